// SPDX-License-Identifier: Apache-2.0
// Where channels may go at all.
#include "outbound/networks.h"

#include "json/json.h"
#include "outbound/channel.h"

namespace xinglin::outbound {

namespace {
constexpr std::string_view file_name = "access/networks.json";

Result<text::Networks> networks_of(json::Value channels, std::string_view name) {
    std::vector<std::string> texts;
    if (!channels[name].is_array())
        return refuse(IssueCode::value, std::string(file_name) + ": channels." + std::string(name), "must be a list of networks");
    for (const json::Node& node : channels[name].items()) texts.emplace_back(json::Value(&node).string());
    return text::Networks::parse(texts, std::string(file_name) + ": channels." + std::string(name));
}
}  // namespace

Result<ReceiverNetworks> ReceiverNetworks::read(const content::Files& files) {
    ReceiverNetworks networks;
    const auto text = files.read(file_name);
    if (!text) {
        XINGLIN_TRY(networks.allowed_, text::Networks::parse({"0.0.0.0/0", "::/0"}, file_name));
        return networks;
    }
    json::Arena arena;
    const auto file = json::parse(*text, arena);
    if (!file.ok()) return refuse(IssueCode::invalid, std::string(file_name), file.outcome().issues.front().what);
    XINGLIN_TRY(networks.allowed_, networks_of((*file)["channels"], "allow"));
    XINGLIN_TRY(networks.never_, networks_of((*file)["channels"], "never"));
    return networks;
}

Result<Done> ReceiverNetworks::admits(std::string_view address) const {
    XINGLIN_CHECK(outbound::admits(address));
    if (allowed_.has(address) && !never_.has(address)) return Done{};
    return refuse(IssueCode::forbidden, "target.url",
                  std::string(address) + " lies in no network that content/access/networks.json lets channels send to");
}

}  // namespace xinglin::outbound
