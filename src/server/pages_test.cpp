// SPDX-License-Identifier: Apache-2.0
#include "server/pages.h"

#include <gtest/gtest.h>

namespace xinglin::server {
namespace {

// As tools/embed_web.py writes it: a page, and a script with its packed form.
const std::string blob =
    "xinglin-pages 1\n"
    "/assets/app-1.js\ttext/javascript; charset=utf-8\t\"a1\"\t0\t6\t4\n"
    "/index.html\ttext/html; charset=utf-8\t\"b2\"\t10\t5\t0\n"
    "\n"
    "scriptPACK<html";

http::Request request(std::string path) {
    http::Request made;
    made.method = "GET";
    made.path = std::move(path);
    return made;
}

TEST(Pages, SendsFilesAndThePageForEverythingElse) {
    const Pages pages(blob);
    EXPECT_EQ(pages.answer(request("/index.html")).body, "<html");
    EXPECT_EQ(pages.answer(request("/")).body, "<html");
    EXPECT_EQ(pages.answer(request("/person/1")).body, "<html");
    EXPECT_EQ(pages.answer(request("/")).headers.get("Cache-Control"), "no-cache");
    EXPECT_EQ(pages.answer(request("/assets/app-2.js")).status, 404);
    const auto script = pages.answer(request("/assets/app-1.js"));
    EXPECT_EQ(script.body, "script");
    EXPECT_NE(script.headers.get("Cache-Control").find("immutable"), std::string_view::npos);
}

TEST(Pages, SendsThePackedFormToWhoTakesIt) {
    const Pages pages(blob);
    auto asked = request("/assets/app-1.js");
    asked.headers.add("Accept-Encoding", "br, gzip;q=0.8");
    const auto packed = pages.answer(asked);
    EXPECT_EQ(packed.body, "PACK");
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.get("ETag"), "\"a1-gz\"");
    asked.headers.set("Accept-Encoding", "gzip;q=0");
    EXPECT_EQ(pages.answer(asked).body, "script");
}

TEST(Pages, AnswersWhatTheBrowserHasWith304) {
    const Pages pages(blob);
    auto asked = request("/");
    asked.headers.add("If-None-Match", "\"b2\"");
    EXPECT_EQ(pages.answer(asked).status, 304);
    EXPECT_EQ(pages.answer(asked).body, "");
}

TEST(Pages, SurvivesAListThatIsBroken) {
    for (const std::string& broken : {std::string(), std::string("rubbish"), std::string("xinglin-pages 1\n\n"),
                                      blob.substr(0, 40), blob.substr(0, blob.size() - 3)}) {
        const Pages pages(broken);
        EXPECT_GE(pages.answer(request("/")).status, 200);
        EXPECT_EQ(pages.answer(request("/assets/none.js")).status, 404);
    }
    EXPECT_TRUE(Pages("").empty());
    EXPECT_NE(Pages("").answer(request("/")).body.find("without its web pages"), std::string::npos);
}

TEST(Pages, ThoseOfThisBinaryCanBeRead) { EXPECT_TRUE(Pages::embedded().starts_with("xinglin-pages 1\n")); }

}  // namespace
}  // namespace xinglin::server
