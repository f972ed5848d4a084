// SPDX-License-Identifier: Apache-2.0
// /auth/activate: residents make their own accounts.
#include "server/account_pages.h"
#include "server/house.h"

namespace xinglin::server {

namespace {

void offered(Visit& visit) {
    json::Arena arena;
    visit.answer(200, arena.object({{"offered", arena.boolean(visit.house.activation->offered())},
                                    {"demo", arena.boolean(visit.house.options.demo)}}));
}

void ask(Visit& visit) {
    const auto fields = only(visit, {"identity", "card"});
    if (!fields) return;
    const auto ticket = visit.house.activation->ask({field(*fields, "identity"), field(*fields, "card"), visit.request.peer});
    visit.house.write_down({}, visit.request, "activate", ticket.ok() ? 202 : http_status(ticket.outcome().code()), {}, {},
                           "asked");
    if (!ticket.ok()) return visit.refuse(ticket.outcome());
    json::Arena arena;
    visit.answer(202, arena.object({{"ticket", arena.string(*ticket)}, {"minutes", arena.number(std::int64_t{10})}}));
}

void finish(Visit& visit) {
    const auto fields = only(visit, {"ticket", "code", "name"});
    if (!fields) return;
    later(visit, [ticket = field(*fields, "ticket"), code = field(*fields, "code"), name = field(*fields, "name")](Visit& visit) {
        const auto done = visit.house.activation->finish(ticket, code, name);
        access::Viewer viewer;
        if (done.ok()) viewer.name = done->name, viewer.role = access::Role::resident;
        visit.house.write_down(viewer, visit.request, "activate", done.ok() ? 200 : http_status(done.outcome().code()),
                               done.ok() ? "Patient" : "", done.ok() ? done->patient : "",
                               !done.ok()     ? ""
                               : done->is_new ? "account made"
                                              : "password given anew");
        if (!done.ok()) return visit.refuse(done.outcome());
        json::Arena arena;
        visit.answer(200, arena.object({{"name", arena.string(done->name)},
                                        {"password", arena.string(done->password)},
                                        {"is_new", arena.boolean(done->is_new)}}));
    });
}

constexpr Route routes[] = {
    {"GET", "/auth/activate", Who::anyone, "Can residents make their own accounts here?", "", R"({"offered":true,"demo":false})",
     offered},
    {"POST", "/auth/activate", Who::anyone,
     "A resident asks for an account: a code is sent to the phone of the record. The answer is the same whether there is such a "
     "person or not.",
     R"({"identity":"11010519491231002X","card":"3301 0000 0012"})", R"({"ticket":"…","minutes":10})", ask},
    {"POST", "/auth/activate/confirm", Who::anyone,
     "The code that came, and a name for the account; answers a one-time password. Who has an account gets another password for "
     "it.",
     R"({"ticket":"…","code":"123456","name":"zhang.wei"})",
     R"({"name":"zhang.wei","password":"k7mq-x2ah-9dfe-w3rt","is_new":true})", finish},
};

}  // namespace

std::span<const Route> activation_routes() { return routes; }

}  // namespace xinglin::server
