# What a room is: one folder, one static library, one test binary, one benchmark binary.
#
# room(NAME [ON_POSTGRES] [NEEDS room...] [LIBS target...] [DOORS header...] [TEST_NEEDS room...] [TEST_LIBS target...])
#
# NEEDS are rooms written above; their doors (ROOM/ROOM.h) may be included. DOORS are headers that others may include
# beside ROOM/ROOM.h. ON_POSTGRES: its tests run a second time with the record in PostgreSQL. TEST_* are for this room's tests only. tools/check_rooms.py reads the same lines and keeps the walls.
# The files of src/NAME are sorted by suffix:
# *_test.cpp go to NAME_test, *_benchmark.cpp to NAME_benchmark, *_fuzz.cpp to one fuzz target each
# (clang only), main.cpp is left to the server, everything else is the library.
set_property(GLOBAL PROPERTY xinglin_rooms "")

# Seconds that the slow suites take: ctest begins with them, so that the last one does not run alone.
set(XINGLIN_SLOW_SUITES "server=210;record=100;outbound=70;view=40;http=35;access=32;intake=26;identity=24;quality=16;quality_on_postgres=16;terminology=15;ingest_on_postgres=14;search_oracle=13;city=9;api_on_postgres=9;ingest=9;bulk=7;bulk_on_postgres=6")
function(slow_first suite)
  if(";${XINGLIN_SLOW_SUITES};" MATCHES ";${suite}=([0-9]+);")
    set_tests_properties(${suite} PROPERTIES COST ${CMAKE_MATCH_1})
  endif()
endfunction()

function(room name)
  cmake_parse_arguments(ROOM "ON_POSTGRES" "" "NEEDS;LIBS;DOORS;TEST_NEEDS;TEST_LIBS" ${ARGN})
  list(TRANSFORM ROOM_TEST_NEEDS REPLACE "/" "_")
  list(TRANSFORM ROOM_TEST_NEEDS PREPEND room_)
  string(REPLACE "/" "_" target ${name})
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/*.S)
  file(GLOB tests CONFIGURE_DEPENDS ${folder}/*_test.cpp)
  file(GLOB benchmarks CONFIGURE_DEPENDS ${folder}/*_benchmark.cpp)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${folder}/*_fuzz.cpp)
  list(REMOVE_ITEM sources ${tests} ${benchmarks} ${fuzzers} ${folder}/main.cpp "")

  if(sources)
    add_library(room_${target} STATIC ${sources})
    set(scope PUBLIC)
    target_precompile_headers(room_${target} REUSE_FROM xinglin_pch)
  else()
    add_library(room_${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(room_${target} ${scope} ${CMAKE_SOURCE_DIR}/src)
  foreach(need ${ROOM_NEEDS})
    string(REPLACE "/" "_" need ${need})
    target_link_libraries(room_${target} ${scope} room_${need})
  endforeach()
  target_link_libraries(room_${target} ${scope} ${ROOM_LIBS})
  set_property(GLOBAL APPEND PROPERTY xinglin_rooms room_${target})

  if(tests AND XINGLIN_TESTS)
    add_executable(${target}_test ${tests})
    target_precompile_headers(${target}_test REUSE_FROM xinglin_pch)
    target_link_libraries(${target}_test PRIVATE room_${target} ${ROOM_TEST_NEEDS} ${ROOM_TEST_LIBS} room_testing GTest::gmock GTest::gtest_main)
    add_test(NAME ${target} COMMAND ${target}_test)
    set_tests_properties(${target} PROPERTIES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    slow_first(${target})
    if(ROOM_ON_POSTGRES)
      add_test(NAME ${target}_on_postgres COMMAND ${target}_test)
      set_tests_properties(${target}_on_postgres PROPERTIES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                           ENVIRONMENT "XINGLIN_TEST_ENGINE=postgres" SKIP_RETURN_CODE 77)
      slow_first(${target}_on_postgres)
    endif()
  endif()
  if(benchmarks AND XINGLIN_BENCHMARKS)
    add_executable(${target}_benchmark ${benchmarks})
    target_link_libraries(${target}_benchmark PRIVATE room_${target} ${ROOM_TEST_NEEDS} ${ROOM_TEST_LIBS} room_testing benchmark::benchmark benchmark::benchmark_main)
  endif()
  foreach(fuzzer ${fuzzers})
    get_filename_component(fuzz_name ${fuzzer} NAME_WE)
    if(XINGLIN_FUZZ)
      add_executable(${fuzz_name} ${fuzzer})
      target_link_libraries(${fuzz_name} PRIVATE room_${target})
      target_link_options(${fuzz_name} PRIVATE -fsanitize=fuzzer)
    endif()
  endforeach()
endfunction()
