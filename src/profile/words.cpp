// SPDX-License-Identifier: Apache-2.0
// Issues in the reader's language. What this room finds carries both; the sentences of fhir::validate() are turned here.
#include "profile/profile.h"

namespace xinglin::profile {

namespace {

struct Sentence {
    std::string_view english, chinese;
};

constexpr Sentence whole[] = {
    {"is required", "必填"},
    {"must be a JSON object, a resource", "必须是 JSON 对象（资源）"},
    {"resourceType must name a resource type of FHIR R4, such as Patient",
     "resourceType 必须是 FHIR R4 的资源类型，例如 Patient"},
    {"a contained resource must have an id", "contained 中的资源必须有 id"},
    {"is nested too deeply", "嵌套过深"},
    {"is an empty object; leave it out instead", "空对象，请直接省略"},
    {"is an empty array; leave it out instead", "空数组，请直接省略"},
    {"must have one value of one type", "只能有一个类型的一个值"},
    {"has an id but no content", "只有 id，没有内容"},
    {"may repeat, so it must be an array", "可重复，必须写成数组"},
    {"does not repeat, so it must not be an array", "不可重复，不得写成数组"},
    {"is null without an extension beside it", "为 null，但没有相应的扩展"},
    {"a contained resource must not contain another", "contained 中的资源不得再包含资源"},
    {"must be a JSON boolean", "必须是 JSON 布尔值"},
    {"must be a JSON number", "必须是 JSON 数字"},
    {"must be a JSON string", "必须是 JSON 字符串"},
    {"_ member must be an array", "下划线成员必须是数组"},
    {"_ member must be an object", "下划线成员必须是对象"},
    {"and its _ member must have the same length", "与其下划线成员的长度必须相同"},
    {"must have a value or extensions, not both", "value 与 extension 只能有其一"},
    {"must have a value or extensions", "必须有 value 或 extension"},
    {"must be Type/id with a resource type of FHIR R4, or an absolute URL", "必须是“类型/编号”或完整网址"},
    {"must be Type/id; an id is 1 to 64 letters, digits, '-' and '.'",
     "必须是“类型/编号”，编号为 1 至 64 个字母、数字、“-”或“.”"},
    {"is not the type in the address", "与地址中的类型不同"},
};

constexpr Sentence beginnings[] = {
    {"is not an element of ", "不是以下类型的元素："}, {"must be a JSON object of type ", "必须是以下类型的 JSON 对象："},
    {"must be one of: ", "必须是以下之一："},          {"must be a code of ", "必须是以下值集的代码："},
    {"must refer to one of: ", "必须引用："},          {"must have a coding of ", "必须有以下代码系统的编码："},
};

}  // namespace

std::string words(const Issue& issue, std::string_view language) {
    if (!language.starts_with("zh")) return issue.what;
    if (!issue.what_zh.empty()) return issue.what_zh;
    const std::string_view what = issue.what;
    for (const Sentence& sentence : whole) {
        if (what == sentence.english) return std::string(sentence.chinese);
    }
    for (const Sentence& sentence : beginnings) {
        if (what.starts_with(sentence.english)) return std::string(sentence.chinese).append(what.substr(sentence.english.size()));
    }
    return issue.what;
}

}  // namespace xinglin::profile
