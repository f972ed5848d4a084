// SPDX-License-Identifier: Apache-2.0
// Each part of a profile, kept and broken.
#include <thread>

#include "profile/profile_fixture.h"

namespace xinglin::profile {
namespace {

TEST(Check, Cardinality) {
    Desk desk;
    desk.add(
        "p", "Patient",
        "{'path':'Patient.name','min':1,'max':'2'},{'path':'Patient.name.given','min':2},{'path':'Patient.photo','max':'0'}");
    EXPECT_EQ(desk.issues("p", "{'resourceType':'Patient'}"), Issues{"min Patient.name"});
    EXPECT_EQ(desk.issues("p", "{'resourceType':'Patient','name':[{'given':['a','b']},{'given':['a']}],'photo':[{'url':'x'}]}"),
              (Issues{"min Patient.name[1].given", "max Patient.photo"}));
}

TEST(Check, TypesOfAChoice) {
    Desk desk;
    desk.add("p", "Observation", "{'path':'Observation.value[x]','type':[{'code':'Quantity'},{'code':'string'}]}");
    desk.add("short", "Observation",
             "{'path':'Observation.valueQuantity','min':1},{'path':'Observation.valueQuantity.code','min':1}");
    const auto with = [](const std::string& value) {
        return "{'resourceType':'Observation','status':'final','code':{'text':'x'}," + value + "}";
    };
    EXPECT_EQ(desk.issues("p", with("'valueString':'x'")), Issues{});
    EXPECT_EQ(desk.issues("p", with("'valueBoolean':true")), Issues{"type Observation.value.ofType(boolean)"});
    EXPECT_EQ(desk.issues("short", with("'valueQuantity':{'value':1}")), Issues{"min Observation.value.ofType(Quantity).code"});
    EXPECT_EQ(desk.issues("short", with("'valueBoolean':true")),
              (Issues{"type Observation.value.ofType(boolean)", "slice:valueQuantity Observation.value"}));
}

TEST(Check, FixedValuesAndPatterns) {
    Desk desk;
    desk.add("p", "Patient",
             "{'path':'Patient.active','fixedBoolean':true},{'path':'Patient.maritalStatus','patternCodeableConcept':{'coding':[{"
             "'system':'urn:s','code':'M'}]}}");
    EXPECT_EQ(desk.issues("p",
                          "{'resourceType':'Patient','active':true,'maritalStatus':{'coding':[{'system':'urn:t','code':'x'},{'"
                          "system':'urn:s','code':'M','display':'d'}],'text':'t'}}"),
              Issues{});
    EXPECT_EQ(
        desk.issues("p", "{'resourceType':'Patient','active':false,'maritalStatus':{'coding':[{'system':'urn:s','code':'S'}]}}"),
        (Issues{"fixed Patient.active", "pattern Patient.maritalStatus"}));
}

TEST(Check, LimitsOfValues) {
    Desk desk;
    desk.add(
        "p", "Observation",
        "{'path':'Observation.value[x]','minValueQuantity':{'value':30,'system':'http://"
        "unitsofmeasure.org','code':'kg'},'maxValueQuantity':{'value':200,'system':'http://unitsofmeasure.org','code':'kg'}},"
        "{'path':'Observation.issued','maxValueInstant':'2027-01-01T00:00:00Z'},{'path':'Observation.code.text','maxLength':3}");
    const auto with = [](const std::string& value, const std::string& code) {
        return "{'resourceType':'Observation','status':'final','code':{'text':'" + code + "'}," + value + "}";
    };
    EXPECT_EQ(desk.issues("p", with("'valueQuantity':{'value':70000,'system':'http://unitsofmeasure.org','code':'g'}", "体重量")),
              Issues{});
    EXPECT_EQ(
        desk.issues("p", with("'valueQuantity':{'value':7000,'system':'http://unitsofmeasure.org','code':'g'}", "体重量值")),
        (Issues{"min-value Observation.value.ofType(Quantity)", "max-length Observation.code.text"}));
    EXPECT_EQ(desk.issues("p", with("'issued':'2027-01-02T00:00:00Z'", "x")), Issues{"max-value Observation.issued"});
}

TEST(Check, BindingsByStrength) {
    Desk desk;
    desk.add("p", "Patient",
             "{'path':'Patient.maritalStatus','binding':{'strength':'required','valueSet':'urn:set|1'}},{'path':'Patient.contact."
             "relationship','binding':{'strength':'extensible','valueSet':'urn:set'}},"
             "{'path':'Patient.communication.language','binding':{'strength':'preferred','valueSet':'urn:set'}},{'path':'Patient."
             "contact.gender','binding':{'strength':'required','valueSet':'urn:other'}}");
    Ask ask;
    ask.member_of = [](std::string_view set, std::string_view system, std::string_view code) -> std::optional<bool> {
        if (set != "urn:set") return std::nullopt;
        return system == "urn:s" && code == "good";
    };
    const auto concept_of = [](const std::string& code) { return "{'coding':[{'system':'urn:s','code':'" + code + "'}]}"; };
    const auto patient = [&](const std::string& marital, const std::string& relation, const std::string& language) {
        return "{'resourceType':'Patient','maritalStatus':" + marital + ",'contact':[{'relationship':[" + relation +
               "],'name':{'text':'x'}}],'communication':[{'language':" + language + "}]}";
    };
    EXPECT_EQ(desk.issues("p", patient(concept_of("good"), concept_of("good"), concept_of("good")), ask), Issues{});
    EXPECT_EQ(desk.issues("p", patient(concept_of("bad"), concept_of("bad"), concept_of("bad")), ask),
              (Issues{"binding Patient.maritalStatus", "binding Patient.contact[0].relationship[0]",
                      "binding Patient.communication[0].language"}));
    EXPECT_EQ(desk.issues("p", patient("{'text':'in words'}", "{'text':'in words'}", "{'text':'in words'}"), ask),
              Issues{"binding Patient.maritalStatus"});
    EXPECT_EQ(desk.issues("p", "{'resourceType':'Patient','contact':[{'gender':'male','name':{'text':'x'}}]}", ask),
              Issues{"binding-unknown Patient.contact[0].gender"});
    std::string severities;
    ask.profiles = {"urn:test:p"};
    for (const Issue& issue :
         desk.book.check(desk.value(patient(concept_of("bad"), concept_of("bad"), concept_of("bad"))), ask).issues)
        severities += fhir_code(issue.severity)[0];
    EXPECT_EQ(severities, "wewi");  // dom-6, then required, extensible, preferred
}

TEST(Check, InvariantsWithTheirContext) {
    Desk desk;
    desk.add("p", "Patient",
             "{'path':'Patient','constraint':[{'key':'a','severity':'error','human':'named','_human':{'extension':[{'url':'http:/"
             "/hl7.org/fhir/StructureDefinition/"
             "translation','extension':[{'url':'lang','valueCode':'zh-CN'},{'url':'content','valueString':'有姓名'}]}]},'"
             "expression':'name.exists()'}]},"
             "{'path':'Patient.contact','constraint':[{'key':'b','severity':'warning','human':'h','expression':'gender.empty() "
             "or gender = %resource.gender'}]},"
             "{'path':'Patient.birthDate','constraint':[{'key':'c','severity':'error','human':'h','expression':'$this < "
             "@2020-01-01'}]}");
    EXPECT_EQ(desk.issues("p",
                          "{'resourceType':'Patient','gender':'male','birthDate':'2021-01-01','contact':[{'gender':'male','name':"
                          "{'text':'x'}},{'gender':'female','name':{'text':'y'}}]}"),
              (Issues{"invariant:a Patient", "invariant:b Patient.contact[1]", "invariant:c Patient.birthDate"}));
    const Outcome outcome =
        desk.book.check(desk.value("{'resourceType':'Patient'}"), {.profiles = {"urn:test:p"}, .everything = false});
    ASSERT_EQ(outcome.issues.size(), 1u);
    EXPECT_EQ(words(outcome.issues[0], "zh"), "不符合规则 a：有姓名");
    EXPECT_EQ(words(outcome.issues[0], ""), "breaks the rule a: named");
}

TEST(Check, AnInvariantThatNeverEndsIsGivenUpByName) {
    Desk desk;
    desk.add("p", "Patient",
             "{'path':'Patient','constraint':[{'key':'endless','severity':'error','human':'h','expression':'(1).repeatAll($this "
             "+ 1).exists()'},"
             "{'key':'wide','severity':'warning','human':'h','expression':'descendants().descendants().descendants().select(%"
             "resource.descendants().count()).sum() > -1'}]}");
    std::string names;
    for (int i = 0; i < 400; ++i) names += std::string(i ? "," : "") + "{'given':['a','b','c']}";
    const Outcome outcome = desk.book.check(desk.value("{'resourceType':'Patient','name':[" + names + "]}"),
                                            {.profiles = {"urn:test:p"}, .everything = false});
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.issues[0].key, "invariant:endless");
    EXPECT_NE(outcome.issues[0].what.find("was given up"), std::string::npos) << outcome.issues[0].what;
}

// A national code system is larger than what csd-1 (every code once) may look at: that must not refuse it.
TEST(Check, ARuleOfR4ThatMeetsALargeResourceIsAWarning) {
    Desk desk;
    std::string concepts;
    for (int i = 0; i < 15'000; ++i) concepts += std::string(i ? "," : "") + "{'code':'" + std::to_string(i) + "'}";
    const json::Value large =
        desk.value("{'resourceType':'CodeSystem','status':'active','content':'complete','concept':[" + concepts + "]}");
    EXPECT_TRUE(desk.book.check(large, {.everything = false}).issues.empty());
    const Outcome told = desk.book.check(large);
    EXPECT_TRUE(told.ok());
    const auto is_given_up = [](const Issue& issue) {
        return issue.key == "invariant:csd-1" && issue.severity == Severity::warning;
    };
    EXPECT_TRUE(std::any_of(told.issues.begin(), told.issues.end(), is_given_up));
}

TEST(Slicing, ByValueOpenClosedAndInOrder) {
    Desk desk;
    const auto profile = [](const std::string& rules, const std::string& ordered) {
        return "{'path':'Patient.identifier','slicing':{'discriminator':[{'type':'value','path':'system'}],'rules':'" + rules +
               "','ordered':" + ordered +
               "}},"
               "{'path':'Patient.identifier','sliceName':'a','min':1,'max':'1'},{'path':'Patient.identifier.system','fixedUri':'"
               "urn:a'},{'path':'Patient.identifier.value','maxLength':2},"
               "{'path':'Patient.identifier','sliceName':'b'},{'path':'Patient.identifier.system','fixedUri':'urn:b'}";
    };
    desk.add("open", "Patient", profile("open", "true"));
    desk.add("closed", "Patient", profile("closed", "false"));
    desk.add("end", "Patient", profile("openAtEnd", "false"));
    const auto patient = [](const std::string& systems) {
        std::string list;
        for (const char c : systems)
            list +=
                std::string(list.empty() ? "" : ",") + "{'system':'urn:" + c + "','value':'" + (c == 'a' ? "12" : "123") + "'}";
        return "{'resourceType':'Patient','identifier':[" + list + "]}";
    };
    EXPECT_EQ(desk.issues("open", patient("abc")), Issues{});
    EXPECT_EQ(desk.issues("open", patient("ba")), Issues{"slice Patient.identifier"});
    EXPECT_EQ(desk.issues("open", patient("cb")), Issues{"slice:a Patient.identifier"});
    EXPECT_EQ(desk.issues("open", patient("aa")), Issues{"slice:a Patient.identifier"});
    EXPECT_EQ(desk.issues("closed", patient("ba")), Issues{});
    EXPECT_EQ(desk.issues("closed", patient("acb")), Issues{"slice Patient.identifier[1]"});
    EXPECT_EQ(desk.issues("end", patient("abc")), Issues{});
    EXPECT_EQ(desk.issues("end", patient("acb")), Issues{"slice Patient.identifier"});
    EXPECT_EQ(desk.issues("open", "{'resourceType':'Patient','identifier':[{'system':'urn:a','value':'123'}]}"),
              Issues{"max-length Patient.identifier[0].value"});
}

TEST(Slicing, ByPatternOfAConcept) {
    Desk desk;
    desk.add(
        "bp", "Observation",
        "{'path':'Observation.component','slicing':{'discriminator':[{'type':'pattern','path':'code'}],'rules':'open'},'min':2},"
        "{'id':'Observation.component:sys','path':'Observation.component','sliceName':'sys','min':1,'max':'1'},"
        "{'id':'Observation.component:sys.code','path':'Observation.component.code','patternCodeableConcept':{'coding':[{'system'"
        ":'http://loinc.org','code':'8480-6'}]}},"
        "{'id':'Observation.component:sys.value[x]','path':'Observation.component.value[x]','min':1,'type':[{'code':'Quantity'}]}"
        ","
        "{'id':'Observation.component:dia','path':'Observation.component','sliceName':'dia','min':1,'max':'1'},"
        "{'id':'Observation.component:dia.code','path':'Observation.component.code','patternCodeableConcept':{'coding':[{'system'"
        ":'http://loinc.org','code':'8462-4'}]}}");
    const auto component = [](const std::string& code, const std::string& value) {
        return "{'code':{'coding':[{'system':'http://loinc.org','code':'" + code + "'}]}" + value + "}";
    };
    const auto observation = [](const std::string& components) {
        return "{'resourceType':'Observation','status':'final','code':{'text':'bp'},'component':[" + components + "]}";
    };
    EXPECT_EQ(desk.issues("bp", observation(component("8480-6", ",'valueQuantity':{'value':1}") + "," + component("8462-4", ""))),
              Issues{});
    EXPECT_EQ(desk.issues("bp", observation(component("8480-6", "") + "," + component("1", ""))),
              (Issues{"min Observation.component[0].value", "slice:dia Observation.component"}));
}

TEST(Slicing, ByExistsTypeExtensionAndReference) {
    Desk desk;
    desk.add("exists", "Patient",
             "{'path':'Patient.name','slicing':{'discriminator':[{'type':'exists','path':'period.end'}],'rules':'open'}},"
             "{'id':'Patient.name:old','path':'Patient.name','sliceName':'old','max':'1'},{'id':'Patient.name:old.period.end','"
             "path':'Patient.name.period.end','min':1},"
             "{'id':'Patient.name:present','path':'Patient.name','sliceName':'present','min':1},{'id':'Patient.name:present."
             "period.end','path':'Patient.name.period.end','max':'0'}");
    EXPECT_EQ(desk.issues("exists", "{'resourceType':'Patient','name':[{'text':'a','period':{'end':'2020'}},{'text':'b'}]}"),
              Issues{});
    EXPECT_EQ(
        desk.issues(
            "exists",
            "{'resourceType':'Patient','name':[{'text':'a','period':{'end':'2020'}},{'text':'b','period':{'end':'2021'}}]}"),
        (Issues{"slice:old Patient.name", "slice:present Patient.name"}));

    desk.add("type", "Bundle",
             "{'path':'Bundle.entry','slicing':{'discriminator':[{'type':'type','path':'resource'}],'rules':'closed'}},"
             "{'id':'Bundle.entry:p','path':'Bundle.entry','sliceName':'p','min':1,'max':'1'},{'id':'Bundle.entry:p.resource','"
             "path':'Bundle.entry.resource','min':1,'type':[{'code':'Patient'}]},"
             "{'id':'Bundle.entry:o','path':'Bundle.entry','sliceName':'o'},{'id':'Bundle.entry:o.resource','path':'Bundle.entry."
             "resource','type':[{'code':'Observation'}]}");
    const auto bundle = [](const std::string& entries) {
        return "{'resourceType':'Bundle','type':'collection','entry':[" + entries + "]}";
    };
    const std::string observation = "{'resource':{'resourceType':'Observation','status':'final','code':{'text':'x'}}}";
    EXPECT_EQ(desk.issues("type", bundle("{'resource':{'resourceType':'Patient'}}," + observation)), Issues{});
    EXPECT_EQ(desk.issues("type", bundle(observation + ",{'resource':{'resourceType':'Basic','code':{'text':'x'}}}")),
              (Issues{"slice:p Bundle.entry", "slice Bundle.entry[1]"}));

    desk.add(
        "by-extension", "Patient",
        "{'path':'Patient.address','slicing':{'discriminator':[{'type':'value','path':'extension(`urn:kind`).value.ofType(code)'}"
        "],'rules':'open'}},"
        "{'id':'Patient.address:home','path':'Patient.address','sliceName':'home','min':1},"
        "{'id':'Patient.address:home.extension','path':'Patient.address.extension','slicing':{'discriminator':[{'type':'value','"
        "path':'url'}],'rules':'open'}},"
        "{'id':'Patient.address:home.extension:kind','path':'Patient.address.extension','sliceName':'kind','min':1},"
        "{'id':'Patient.address:home.extension:kind.url','path':'Patient.address.extension.url','fixedUri':'urn:kind'},"
        "{'id':'Patient.address:home.extension:kind.value[x]','path':'Patient.address.extension.value[x]','fixedCode':'home'}");
    const auto address = [](const std::string& kind) {
        return "{'resourceType':'Patient','address':[{'extension':[{'url':'urn:kind','valueCode':'" + kind + "'}],'text':'x'}]}";
    };
    const Ask errors{.everything = false};
    EXPECT_EQ(desk.issues("by-extension", address("home"), errors), Issues{});
    EXPECT_EQ(desk.issues("by-extension", address("work"), errors), Issues{"slice:home Patient.address"});

    desk.add("resolve", "Observation",
             "{'path':'Observation.performer','slicing':{'discriminator':[{'type':'type','path':'resolve()'}],'rules':'open'}},"
             "{'id':'Observation.performer:org','path':'Observation.performer','sliceName':'org','max':'1','type':[{'code':'"
             "Reference','targetProfile':['http://hl7.org/fhir/StructureDefinition/Organization']}]}");
}

TEST(Slicing, DefaultSliceTakesTheRestAndSlicesAreSlicedAgain) {
    Desk desk;
    desk.add("p", "Patient",
             "{'path':'Patient.telecom','slicing':{'discriminator':[{'type':'value','path':'system'}],'rules':'closed'}},"
             "{'id':'Patient.telecom:phone','path':'Patient.telecom','sliceName':'phone'},{'id':'Patient.telecom:phone.system','"
             "path':'Patient.telecom.system','fixedCode':'phone'},"
             "{'id':'Patient.telecom:phone','path':'Patient.telecom','sliceName':'phone','slicing':{'discriminator':[{'type':'"
             "value','path':'use'}],'rules':'open'}},"
             "{'id':'Patient.telecom:phone/mobile','path':'Patient.telecom','sliceName':'phone/"
             "mobile','max':'1'},{'id':'Patient.telecom:phone/mobile.use','path':'Patient.telecom.use','fixedCode':'mobile'},"
             "{'id':'Patient.telecom:@default','path':'Patient.telecom','sliceName':'@default'},{'id':'Patient.telecom:@default."
             "rank','path':'Patient.telecom.rank','min':1}");
    EXPECT_EQ(desk.issues("p",
                          "{'resourceType':'Patient','telecom':[{'system':'phone','use':'mobile','value':'1'},{'system':'phone','"
                          "use':'home','value':'2'},{'system':'email','rank':1,'value':'3'}]}"),
              Issues{});
    EXPECT_EQ(desk.issues("p",
                          "{'resourceType':'Patient','telecom':[{'system':'phone','use':'mobile','value':'1'},{'system':'phone','"
                          "use':'mobile','value':'2'},{'system':'email','value':'3'}]}"),
              (Issues{"slice:phone/mobile Patient.telecom", "min Patient.telecom[2].rank"}));
}

TEST(References, TargetsByTypeAndByProfileInTheBundleAndTheRecord) {
    Desk desk;
    desk.add("named", "Patient", "{'path':'Patient.name','min':1}");
    desk.add("p", "Observation",
             "{'path':'Observation.subject','type':[{'code':'Reference','targetProfile':['urn:test:named']}]}");
    const auto observation = [](const std::string& reference) {
        return "{'resourceType':'Observation','status':'final','code':{'text':'x'},'subject':{'reference':'" + reference + "'}}";
    };
    EXPECT_EQ(desk.issues("p", observation("Patient/1")), Issues{});
    EXPECT_EQ(desk.issues("p", observation("Group/1")), Issues{"reference Observation.subject"});
    EXPECT_EQ(desk.issues("p", observation("http://example.org/fhir/Group/1/_history/2")),
              Issues{"reference Observation.subject"});
    EXPECT_EQ(desk.issues("p", observation("urn:uuid:0")), Issues{});
    Ask ask;
    ask.resolve = [&](std::string_view) { return desk.value("{'resourceType':'Patient','id':'1'}"); };
    EXPECT_EQ(desk.issues("p", observation("Patient/1"), ask), Issues{"target-profile Observation.subject"});
    const auto contained = [&](const std::string& inside) {
        return "{'resourceType':'Observation','contained':[" + inside +
               "],'status':'final','code':{'text':'x'},'subject':{'reference':'#a'}}";
    };
    EXPECT_EQ(desk.issues("p", contained("{'resourceType':'Patient','id':'a','name':[{'text':'x'}]}")), Issues{});
    EXPECT_EQ(desk.issues("p", contained("{'resourceType':'Patient','id':'a'}")), Issues{"target-profile Observation.subject"});
    const std::string claim =
        "{'resourceType':'Bundle','type':'collection','entry':[{'fullUrl':'urn:uuid:0','resource':{'resourceType':'Patient'}},"
        "{'resource':{'resourceType':'Observation','meta':{'profile':['urn:test:p']},'status':'final','code':{'text':'x'},'"
        "subject':{'reference':'urn:uuid:0'}}}]}";
    EXPECT_EQ(desk.issues("", claim), Issues{"target-profile Bundle.entry[1].resource.subject"});
}

TEST(Extensions, KnownOnesAreCheckedWhereverTheyStand) {
    Desk desk;
    desk.add(
        "{'resourceType':'StructureDefinition','url':'urn:test:colour','name':'T','status':'draft','kind':'complex-type','"
        "abstract':false,'context':[{'type':'element','expression':'Patient.contact'},{'type':'element','expression':'HumanName."
        "family'}],"
        "'type':'Extension','baseDefinition':'http://hl7.org/fhir/StructureDefinition/"
        "Extension','derivation':'constraint','differential':{'element':[{'path':'Extension.url','fixedUri':'urn:test:colour'},{'"
        "path':'Extension.value[x]','min':1,'type':[{'code':'code'}]}]}}");
    const std::string good = "'extension':[{'url':'urn:test:colour','valueCode':'red'}]",
                      bad = "'extension':[{'url':'urn:test:colour','valueString':'red'}]";
    EXPECT_EQ(
        desk.issues("", "{'resourceType':'Patient','contact':[{" + good + ",'name':{'family':'x','_family':{" + good + "}}}]}"),
        Issues{});
    EXPECT_EQ(desk.issues("", "{'resourceType':'Patient','contact':[{" + bad + ",'name':{'family':'x'}}]}"),
              Issues{"type Patient.contact[0].extension[0].value.ofType(string)"});
    EXPECT_EQ(desk.issues("", "{'resourceType':'Patient'," + good + "}"), Issues{"extension Patient.extension[0]"});
    EXPECT_EQ(desk.issues("",
                          "{'resourceType':'Patient','extension':[{'url':'urn:else','valueCode':'x'}],'modifierExtension':[{'url'"
                          ":'urn:else','valueCode':'x'}]}"),
              (Issues{"extension-unknown Patient.extension[0]", "extension-unknown Patient.modifierExtension[0]"}));
}

TEST(Claims, AreCheckedAndUnknownOnesAreAWarning) {
    Desk desk;
    desk.add("named", "Patient", "{'path':'Patient.name','min':1}");
    EXPECT_EQ(desk.issues("", "{'resourceType':'Patient','meta':{'profile':['urn:test:named|1']}}"), Issues{"min Patient.name"});
    EXPECT_EQ(
        desk.issues("",
                    "{'resourceType':'Observation','meta':{'profile':['urn:test:named']},'status':'final','code':{'text':'x'}}"),
        Issues{"profile Observation"});
    const Outcome unknown =
        desk.book.check(desk.value("{'resourceType':'Patient','meta':{'profile':['urn:test:nowhere','http://hl7.org/fhir/"
                                   "StructureDefinition/Patient']},'text':{'status':'empty','div':'x'}}"));
    ASSERT_EQ(unknown.issues.size(), 1u);
    EXPECT_EQ(unknown.issues[0].severity, Severity::warning);
    EXPECT_TRUE(unknown.ok());
}

TEST(R4, ContainedResourcesAndReferencesIntoThem) {
    Desk desk;
    EXPECT_EQ(
        desk.issues(
            "",
            "{'resourceType':'Observation','contained':[{'resourceType':'Patient','id':'a'},{'resourceType':'Patient','id':'b','"
            "meta':{'versionId':'1','security':[{'code':'R'}]},'link':[{'other':{'reference':'#'},'type':'seealso'}]}],"
            "'status':'final','code':{'text':'x'},'subject':{'reference':'#c'}}"),
        (Issues{"invariant:dom-3 Observation.contained[0]", "invariant:dom-4 Observation.contained[1]",
                "invariant:dom-5 Observation.contained[1]", "invariant:ref-1 Observation.subject.reference"}));
}

TEST(R4, ExtensionsOfItsOwnTypesCanBeAskedInFhirPath) {
    Desk desk;
    desk.add("named", "Patient", "{'path':'Patient.name','min':1}");
    desk.add("p", "Bundle",
             "{'path':'Bundle','constraint':[{'key':'all-named','severity':'error','human':'h','expression':'entry.resource.all("
             "conformsTo(`urn:test:named`))'}]}");
    const auto bundle = [](const std::string& inside) {
        return "{'resourceType':'Bundle','type':'collection','entry':[{'resource':{'resourceType':'Patient'" + inside + "}}]}";
    };
    EXPECT_EQ(desk.issues("p", bundle(",'name':[{'text':'x'}]")), Issues{});
    EXPECT_EQ(desk.issues("p", bundle("")), Issues{"invariant:all-named Bundle"});
    EXPECT_EQ(desk.book.conforms("urn:test:named", fhirpath::item_of(desk.value("{'resourceType':'Patient'}"))), false);
    EXPECT_EQ(desk.book.conforms("urn:test:none", fhirpath::item_of(desk.value("{'resourceType':'Patient'}"))), std::nullopt);
}

TEST(Book, IsAskedByManyThreadsAtOnce) {
    Desk desk;
    desk.add("p", "Patient", "{'path':'Patient.name','min':1}");
    const json::Value patient = desk.value("{'resourceType':'Patient','meta':{'profile':['urn:test:p']}}");
    std::vector<std::jthread> threads;
    std::atomic<int> refused{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) refused += desk.book.check(patient, {.everything = false}).ok() ? 0 : 1;
        });
    }
    threads.clear();
    EXPECT_EQ(refused, 400);
}

}  // namespace
}  // namespace xinglin::profile
