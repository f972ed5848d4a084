// SPDX-License-Identifier: Apache-2.0
// Columns, and cells between an entry and a row.
#include "registry/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "calendar/calendar.h"
#include "registry/change.h"
#include "registry/edit.h"
#include "text/text.h"

namespace xinglin::registry {

namespace {

constexpr std::array<std::string_view, 8> names = {"organizations", "departments", "places",      "beds",
                                                   "staff",         "devices",     "consumables", "drugs"};
constexpr std::array<std::string_view, 8> titles_zh = {"机构", "科室", "场所", "床位", "人员", "设备", "耗材", "药品"};
constexpr std::array<std::string_view, 8> titles_en = {"Institutions", "Departments", "Places",      "Beds",
                                                       "Staff",        "Devices",     "Consumables", "Drugs"};

constexpr std::string_view day_zh = "日期，如 2026-03-01", day_en = "a day, 2026-03-01";
constexpr Column state_column = {"state", "状态", "State", false, "在用", "在用、停用", "active or inactive"};
constexpr Column from_column = {"from", "启用日期", "In force from", false, "2020-01-01", day_zh, day_en};
constexpr Column to_column = {"to", "停用日期", "In force until", false, "", day_zh, day_en};

constexpr Column organization_columns[] = {
    {"code", "机构编码", "Institution code", true, "130303001"},
    {"credit_code", "统一社会信用代码", "Credit code", false, "", "18位，GB 32100", "18 characters, GB 32100"},
    {"name", "机构名称", "Name", true, "某某卫生院"},
    {"class", "机构分类", "Class", false, "C220", "WS 218 代码或名称", "code or name of WS 218"},
    {"parent", "上级机构编码", "Parent's code"},
    {"area", "区划代码", "Area code", false, "130303101", "6、9或12位", "6, 9 or 12 digits"},
    {"address", "地址", "Address"},
    {"phone", "电话", "Telephone"},
    from_column,
    to_column,
    state_column};
constexpr Column department_columns[] = {{"code", "科室编码", "Department code", true, "renmin-03"},
                                         {"name", "科室名称", "Name", true, "内科"},
                                         {"parent", "所属机构编码", "Institution's code", true, "renmin"},
                                         {"phone", "电话", "Telephone"},
                                         from_column,
                                         to_column,
                                         state_column};
constexpr Column place_columns[] = {
    {"code", "场所编码", "Place code", true, "renmin-W03"},
    {"name", "场所名称", "Name", true, "内科病区"},
    {"type", "类型", "Type", true, "wa", "si 院区、bu 楼、wa 病区、ro 房间、area 其他、jdn 行政区划",
     "si site, bu building, wa ward, ro room, area other, jdn jurisdiction"},
    {"parent", "上级场所编码", "Parent's code"},
    {"organization", "机构编码", "Institution's code"},
    {"area", "区划代码", "Area code", false, "", "6、9或12位", "6, 9 or 12 digits"},
    {"longitude", "经度", "Longitude"},
    {"latitude", "纬度", "Latitude"},
    state_column};
constexpr Column bed_columns[] = {{"code", "床位编码", "Bed code", true, "renmin-W03-001"},
                                  {"name", "床号", "Bed", true, "1床"},
                                  {"parent", "病区编码", "Ward's code", true, "renmin-W03"},
                                  {"organization", "机构或科室编码", "Institution's or department's code"},
                                  {"bed_state", "床位状态", "Bed state", false, "空闲", "空闲、占用、关闭、待清洁、隔离、污染",
                                   "U free, O occupied, C closed, H housekeeping, I isolated, K contaminated"},
                                  state_column};
constexpr Column staff_columns[] = {
    {"code", "人员编码", "Staff code", true, "renmin-001"},
    {"name", "姓名", "Name", true, "某某"},
    {"sex", "性别", "Sex", false, "男", "男、女", "male or female"},
    {"phone", "电话", "Telephone"},
    {"licence", "执业证书编码", "Licence number"},
    {"licence_name", "执业证书", "Licence kind", false, "医师执业证书"},
    {"title", "职称", "Title", false, "主治医师"},
    {"organization", "主执业机构编码", "Main institution's code", true, "renmin"},
    {"sites", "多点执业机构编码", "Further institutions' codes", false, "", "多个用分号隔开", "several with semicolons"},
    {"from", "主执业开始日期", "There since", false, "2020-01-01", day_zh, day_en},
    state_column};
constexpr Column device_columns[] = {
    {"code", "设备编码", "Device code", true, "renmin-E1-01"},
    {"udi", "UDI-DI", "UDI-DI", false, "", "医疗器械唯一标识的产品标识", "device identifier of the UDI"},
    {"name", "设备名称", "Name", true, "呼吸机"},
    {"model", "型号", "Model"},
    {"serial", "序列号", "Serial number"},
    {"maker", "生产企业", "Manufacturer"},
    {"organization", "机构编码", "Owner's code", true, "renmin"},
    from_column,
    to_column,
    state_column};
constexpr Column consumable_columns[] = {{"code", "UDI-DI", "UDI-DI", true, "06909990000011", "一物一码", "one code each"},
                                         {"name", "耗材名称", "Name", true, "一次性使用输液器"},
                                         {"model", "规格型号", "Model"},
                                         {"maker", "生产企业", "Manufacturer"},
                                         from_column,
                                         to_column};
constexpr Column drug_columns[] = {
    {"code", "药品编码", "Drug code", true, "86900000000001", "国家药品编码", "national drug code"},
    {"name", "药品名称", "Name", true, "缬沙坦胶囊 80mg*7粒"},
    {"form", "剂型", "Form", false, "胶囊剂"},
    {"maker", "生产企业", "Manufacturer"},
    from_column,
    to_column,
    state_column};

constexpr std::pair<std::string_view, std::string_view> states[] = {
    {"active", "在用"}, {"inactive", "停用"}, {"suspended", "暂停"}};
constexpr std::pair<std::string_view, std::string_view> sexes[] = {
    {"male", "男"}, {"female", "女"}, {"other", "其他"}, {"unknown", "未知"}};
constexpr std::pair<std::string_view, std::string_view> bed_states[] = {{"U", "空闲"},   {"O", "占用"}, {"C", "关闭"},
                                                                        {"H", "待清洁"}, {"I", "隔离"}, {"K", "污染"}};
constexpr std::pair<std::string_view, std::string_view> place_types[] = {{"si", "院区"},   {"bu", "楼"},       {"wi", "翼楼"},
                                                                         {"wa", "病区"},   {"lvl", "楼层"},    {"ro", "房间"},
                                                                         {"area", "其他"}, {"jdn", "行政区划"}};

std::span<const std::pair<std::string_view, std::string_view>> list_of(std::string_view key) {
    if (key == "state") return states;
    if (key == "sex") return sexes;
    if (key == "bed_state") return bed_states;
    if (key == "type") return place_types;
    return {};
}

std::string code_in(const Entry& entry, std::string_view system) {
    for (const Code& code : entry.codes) {
        if (code.is_current && code.system == system) return code.value;
    }
    return {};
}

std::string code_at(const Registry& registry, const std::string& reference) {
    const EntryPtr entry = reference.empty() ? nullptr : registry.find(reference);
    return entry ? code_of(*entry) : std::string();
}

std::string licence_part(json::Value r, bool name) {
    for (const json::Node& node : r["qualification"].items()) {
        const json::Value each(&node);
        for (const json::Node& inner : each["identifier"].items()) {
            if (json::Value(&inner)["system"].string() != licence_system) continue;
            if (!name) return std::string(json::Value(&inner)["value"].string());
            const std::string_view said = each["code"]["text"].string();
            return said == unnamed_licence ? std::string() : std::string(said);
        }
    }
    return {};
}

void set_licence(Edit& edit, bool name, const std::string& value) {
    edit.set_licence(name ? "" : value, name ? value : "", name);
}

/// Staff: who works where comes from the roles.
void add_roles(const Registry& registry, const Entry& entry, Cells& cells) {
    const std::vector<EntryPtr> roles = roles_of(registry, entry.reference());
    if (roles.empty()) return;
    cells["title"] = roles.front()->class_name;
    cells["organization"] = code_at(registry, roles.front()->organization);
    cells["from"] = roles.front()->days.from;
    std::vector<std::string> sites;
    for (std::size_t i = 1; i < roles.size(); ++i) sites.push_back(code_at(registry, roles[i]->organization));
    std::sort(sites.begin(), sites.end());
    for (const std::string& site : sites) cells["sites"] += (cells["sites"].empty() ? "" : ";") + site;
}

std::optional<std::string> day_of_cell(std::string_view written) {
    std::string text(written.substr(0, written.find('T')));
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c >= '0' && c <= '9') parts.back() += c;
        else if (c == '-' || c == '/' || c == '.') parts.emplace_back();
        else return std::nullopt;
    }
    if (parts.size() == 1 && text.size() == 8) parts = {text.substr(0, 4), text.substr(4, 2), text.substr(6, 2)};
    if (parts.size() != 3 || parts[0].size() != 4 || parts[1].empty() || parts[2].empty() || parts[1].size() > 2 ||
        parts[2].size() > 2)
        return std::nullopt;
    std::string day = fmt::format("{}-{:0>2}-{:0>2}", parts[0], parts[1], parts[2]);
    return is_day(day) ? std::optional(day) : std::nullopt;
}

bool is_credit_code(std::string_view code) {  // GB 32100: characters and check character
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    constexpr int weights[] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
    if (code.size() != 18) return false;
    int sum = 0;
    for (std::size_t i = 0; i < 18; ++i) {
        const std::size_t at = alphabet.find(code[i]);
        if (at == std::string_view::npos) return false;
        if (i < 17) sum += static_cast<int>(at) * weights[i];
    }
    return alphabet[static_cast<std::size_t>((31 - sum % 31) % 31)] == code[17];
}

bool is_degree(std::string_view text, double most) {
    const std::string copy(text);
    if (copy.empty() || copy.find_first_not_of("0123456789.-") != std::string::npos || copy.find('-', 1) != std::string::npos)
        return false;
    if (copy.back() == '.' || copy.front() == '.' || std::count(copy.begin(), copy.end(), '.') > 1) return false;
    if (copy.size() > 1 && copy[0] == '0' && copy[1] != '.') return false;
    if (copy.starts_with('-') && (copy.size() < 2 || copy[1] == '.')) return false;
    const double value = std::strtod(copy.c_str(), nullptr);
    return copy.size() < 20 && value >= -most && value <= most;
}

}  // namespace

std::string_view text(Sheet sheet) { return names[static_cast<std::size_t>(sheet)]; }

std::optional<Sheet> parse_sheet(std::string_view text) {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return std::nullopt;
    return static_cast<Sheet>(found - names.begin());
}

std::string_view title(Sheet sheet, bool zh) { return (zh ? titles_zh : titles_en)[static_cast<std::size_t>(sheet)]; }

std::span<const Column> columns(Sheet sheet) {
    switch (sheet) {
        case Sheet::organizations: return organization_columns;
        case Sheet::departments: return department_columns;
        case Sheet::places: return place_columns;
        case Sheet::beds: return bed_columns;
        case Sheet::staff: return staff_columns;
        case Sheet::devices: return device_columns;
        case Sheet::consumables: return consumable_columns;
        case Sheet::drugs: return drug_columns;
    }
    return {};
}

const Column* column(Sheet sheet, std::string_view key) {
    for (const Column& each : columns(sheet)) {
        if (each.key == key) return &each;
    }
    return nullptr;
}

Kind kind_of(Sheet sheet) {
    constexpr Kind kinds[] = {Kind::institution,  Kind::department, Kind::ward,       Kind::bed,
                              Kind::practitioner, Kind::device,     Kind::consumable, Kind::drug};
    return kinds[static_cast<std::size_t>(sheet)];
}

bool holds(Sheet sheet, const Entry& entry) {
    if (sheet == Sheet::places) return entry.kind == Kind::ward || entry.kind == Kind::site || entry.kind == Kind::area;
    return entry.kind == kind_of(sheet);
}

std::string_view code_system(Sheet sheet) { return code_system_of(kind_of(sheet)); }

std::string_view resource_type(Sheet sheet) {
    constexpr std::string_view types[] = {"Organization", "Organization", "Location",         "Location",
                                          "Practitioner", "Device",       "DeviceDefinition", "Medication"};
    return types[static_cast<std::size_t>(sheet)];
}

std::string code_of(const Entry& entry) {
    if (std::string usual = code_in(entry, code_system_of(entry.kind)); !usual.empty()) return usual;
    for (const Code& code : entry.codes) {
        if (code.is_current) return code.value;
    }
    return {};
}

std::vector<EntryPtr> roles_of(const Registry& registry, const std::string& practitioner) {
    std::vector<EntryPtr> roles = registry.pointing(practitioner, {Kind::role});
    std::erase_if(roles, [&](const EntryPtr& role) { return role->practitioner != practitioner || role->state != "active"; });
    std::sort(roles.begin(), roles.end(), [](const EntryPtr& a, const EntryPtr& b) {
        return a->days.from != b->days.from ? a->days.from < b->days.from : a->id < b->id;
    });
    return roles;
}

Cells cells_of(const Registry& registry, Sheet sheet, const Entry& entry, json::Value r) {
    Cells cells;
    cells["code"] = code_of(entry);
    cells["credit_code"] = code_in(entry, credit_code_system);
    cells["name"] = entry.name();
    cells["class"] = cells["type"] = entry.class_code;
    cells["parent"] = code_at(registry, entry.parent);
    cells["organization"] = code_at(registry, entry.organization);
    cells["area"] = entry.area;
    cells["address"] = entry.address;
    cells["phone"] = entry.phone;
    cells["from"] = entry.days.from;
    cells["to"] = entry.days.to;
    cells["state"] = entry.state;
    cells["bed_state"] = entry.bed_state;
    cells["longitude"] = r["position"]["longitude"].text();
    cells["latitude"] = r["position"]["latitude"].text();
    cells["model"] = r["modelNumber"].string();
    cells["serial"] = r["serialNumber"].string();
    cells["maker"] = sheet == Sheet::drugs         ? r["manufacturer"]["display"].string()
                     : sheet == Sheet::consumables ? r["manufacturerString"].string()
                                                   : r["manufacturer"].string();
    cells["udi"] = r["udiCarrier"][std::size_t{0}]["deviceIdentifier"].string();
    cells["form"] = r["form"]["text"].string();
    cells["sex"] = r["gender"].string();
    cells["licence"] = licence_part(r, false);
    cells["licence_name"] = licence_part(r, true);
    if (sheet == Sheet::staff) {
        cells["organization"].clear();
        add_roles(registry, entry, cells);
    }
    std::erase_if(cells, [&](const auto& cell) { return cell.second.empty() || !column(sheet, cell.first); });
    return cells;
}

std::string blank(Sheet sheet, std::string_view id) {
    std::string more;
    if (sheet == Sheet::departments)
        more = fmt::format(R"(,"type":[{{"coding":[{{"system":"{}","code":"department"}}]}}])", unit_system);
    if (sheet == Sheet::places || sheet == Sheet::beds) more = R"(,"mode":"instance")";
    if (sheet == Sheet::beds)
        more += fmt::format(R"(,"physicalType":{{"coding":[{{"system":"{}","code":"bd"}}]}})", place_type_system);
    if (sheet == Sheet::organizations || sheet == Sheet::departments || sheet == Sheet::staff) more += R"(,"active":true)";
    if (sheet == Sheet::places || sheet == Sheet::beds || sheet == Sheet::devices || sheet == Sheet::drugs)
        more += R"(,"status":"active")";
    return fmt::format(R"({{"resourceType":"{}","id":"{}"{}}})", resource_type(sheet), id, more);
}

void set_cell(Edit& edit, Sheet sheet, std::string_view key, const std::string& value, const std::string& reference) {
    if (key == "code") {
        edit.set_code(code_system(sheet), value);
        if (sheet == Sheet::consumables) edit.set_product_identifier(value);
    } else if (key == "credit_code") edit.set_code(credit_code_system, value);
    else if (key == "name") edit.set_name(value);
    else if (key == "class") edit.set_type(class_system, value, "");
    else if (key == "parent") edit.set_reference("partOf", reference);
    else if (key == "organization") edit.set_reference(sheet == Sheet::devices ? "owner" : "managingOrganization", reference);
    else if (key == "area") edit.set_area(value);
    else if (key == "address") edit.set_address(value);
    else if (key == "phone") edit.set_phone(value);
    else if (key == "from") edit.set_days(value, edit.days().to);
    else if (key == "to") edit.set_days(edit.days().from, value);
    else if (key == "state") edit.set_state(value);
    else if (key == "bed_state") edit.set_coding("operationalStatus", bed_status_system, value);
    else if (key == "type") edit.set_concept("physicalType", place_type_system, value, "", false);
    else if (key == "longitude") edit.set_position(value, edit.value()["position"]["latitude"].text());
    else if (key == "latitude") edit.set_position(edit.value()["position"]["longitude"].text(), value);
    else if (key == "model") edit.set_text("modelNumber", value);
    else if (key == "serial") edit.set_text("serialNumber", value);
    else if (key == "maker" && sheet == Sheet::drugs) edit.set_display("manufacturer", value);
    else if (key == "maker") edit.set_text(sheet == Sheet::consumables ? "manufacturerString" : "manufacturer", value);
    else if (key == "udi") edit.set_udi(value);
    else if (key == "form") edit.set_concept("form", "", "", value, false);
    else if (key == "sex") edit.set_text("gender", value);
    else if (key == "licence" || key == "licence_name") set_licence(edit, key == "licence_name", value);
}

std::optional<std::string> normalised(const Words& words, std::string_view key, std::string_view written, Bad& bad) {
    const auto refuse_with = [&](std::string zh, std::string en) {
        bad = {std::move(zh), std::move(en)};
        return std::optional<std::string>();
    };
    std::size_t begin = written.find_first_not_of(" \t\r\n"), end = written.find_last_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return std::string();
    std::string value(written.substr(begin, end - begin + 1));
    for (const char c : value) {
        if (static_cast<unsigned char>(c) < 0x20) return refuse_with("含有控制字符", "holds a control character");
    }
    if (value.size() > 1'000) return refuse_with("超过1000字节", "is longer than 1,000 bytes");
    if (const auto list = list_of(key); !list.empty()) {
        const std::string folded = text::fold(value);
        std::string all;
        for (const auto& [code, zh] : list) {
            if (value == zh || folded == text::fold(code)) return std::string(code);
            all += (all.empty() ? "" : "、") + std::string(zh);
        }
        return refuse_with("不在可选值之内：" + all, "is none of the values to choose from");
    }
    if (key == "from" || key == "to") {
        auto day = day_of_cell(value);
        return day ? day : refuse_with("不是日期，应为 2026-03-01", "is no day, write 2026-03-01");
    }
    if (key == "area" && !is_division(value))
        return refuse_with("区划代码应为2、4、6、9或12位数字", "a division code has 2, 4, 6, 9 or 12 digits");
    if (key == "credit_code" && !is_credit_code(value))
        return refuse_with("统一社会信用代码不正确（18位及校验码，GB 32100）",
                           "is no credit code (18 characters with a check character, GB 32100)");
    if (key == "longitude" && !is_degree(value, 180))
        return refuse_with("经度应为-180到180的数", "must be a number from -180 to 180");
    if (key == "latitude" && !is_degree(value, 90)) return refuse_with("纬度应为-90到90的数", "must be a number from -90 to 90");
    if (key == "class" && words.class_code) {
        std::string code = words.class_code(value);
        if (code.empty()) return refuse_with("不是 WS 218 的机构分类", "is no class of WS 218");
        return code;
    }
    if (key == "code" && value.size() > 100) return refuse_with("编码超过100字节", "a code has at most 100 bytes");
    return value;
}

std::string shown(std::string_view key, std::string_view value, bool zh) {
    if (zh) {
        for (const auto& [code, name] : list_of(key)) {
            if (code == value) return std::string(name);
        }
    }
    return std::string(value);
}

}  // namespace xinglin::registry
