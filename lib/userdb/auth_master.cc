#include "lib/userdb/auth_master.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "lib/ipc/service_client.h"
#include "lib/sasl/auth_framing.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/id.h"
#include "lib/text/text.h"

namespace userdb {

using namespace std::chrono_literals;
using event::Clock;
using event::Task;

namespace {

constexpr std::size_t kMaxLine = 8192;
constexpr auto kConnect = 5s;
constexpr auto kAnswer = 30s;
// auth may be starting, or starting again: its timer in master.cf sees to that within seconds.
constexpr auto kPatience = 10s;
constexpr auto kKeep = 5s;
constexpr std::size_t kMaxKept = 10000;

// The master side: our version, and no greeting to wait for.
class MasterFraming final : public sasl::AuthFraming {
  public:
    MasterFraming() : AuthFraming({"USER", "NOTFOUND", "FAIL"}) {}

    Task<void> greet(event::Stream& stream) override {
        stream.write("VERSION\t1\t1\n");
        co_return;
    }
};

// "uid=1000" into the user; false where it makes no sense. What we have no use for is passed over.
bool take_field(User& user, std::string_view field) {
    const std::size_t equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
    if (name == "uid")
        return (user.uid = text::parse_id(value)).has_value();
    if (name == "gid")
        return (user.gid = text::parse_id(value)).has_value();
    if (name == "home")
        user.home = value;
    else if (name == "mail")
        user.mail = value;
    return true;
}

Found parse_user(const std::vector<std::string>& fields) {
    User user;
    user.name = fields.size() > 2 ? fields[2] : std::string();
    if (user.name.empty())
        return std::unexpected("auth gave a USER line without a name");
    for (std::size_t i = 3; i < fields.size(); ++i)
        if (!take_field(user, fields[i]))
            return std::unexpected(fmt::format("auth gave {} for {}, which is no id", fields[i], user.name));
    return user;
}

}  // namespace

Found parse_answer(std::string_view line) {
    const std::vector<std::string> fields = sasl::split_fields(line);
    if (fields[0] == "USER")
        return parse_user(fields);
    if (fields[0] == "NOTFOUND")
        return std::nullopt;
    const std::string reason = sasl::find_parameter(fields, 2, "reason").value_or("");
    return std::unexpected("auth cannot look the user up" + (reason.empty() ? reason : ": " + reason));
}

struct AuthMaster::State {
    State(event::Loop& loop, ipc::ServiceSettings settings, std::string the_service)
        : socket(settings.socket),
          service(std::move(the_service)),
          client(std::in_place, loop, std::move(settings), std::make_shared<MasterFraming>()) {}

    struct Kept {
        std::optional<User> user;
        Clock::time_point until;
    };

    std::string socket;
    std::string service;
    std::optional<ipc::ServiceClient> client;
    std::map<std::string, Kept, std::less<>> kept;

    const std::optional<User>* known(const std::string& name) const {
        const auto found = kept.find(name);
        return found != kept.end() && found->second.until > Clock::now() ? &found->second.user : nullptr;
    }

    void keep(const std::string& name, const std::optional<User>& user) {
        if (kept.size() >= kMaxKept)
            kept.clear();
        kept.insert_or_assign(name, Kept{user, Clock::now() + kKeep});
    }

    Task<Found> ask(ipc::ServiceClient::Question question) {
        const ipc::ServiceClient::Answer answer = co_await client->ask(std::move(question));
        if (!answer)
            co_return std::unexpected(answer.error());
        Found found = parse_answer(*answer);
        if (!found)
            found = std::unexpected(socket + ": " + found.error());
        co_return std::move(found);
    }
};

AuthMaster::AuthMaster(event::Loop& loop, std::string socket, std::string service) {
    ipc::ServiceSettings settings(std::move(socket), kConnect);
    settings.answer = kAnswer;
    settings.patience = kPatience;
    settings.max_frame = kMaxLine;
    settings.repeatable = true;
    state_ = std::make_shared<State>(loop, std::move(settings), std::move(service));
}

// Who still waits hears that nobody answers any more.
AuthMaster::~AuthMaster() { state_->client.reset(); }

Task<Found> AuthMaster::find(std::string name) {
    std::shared_ptr<State> state = state_;
    if (const std::optional<User>* known = state->known(name))
        co_return *known;
    ipc::ServiceClient::Question question = [&](std::uint64_t number) {
        return fmt::format(
            "USER\t{}\t{}\tservice={}\n", number, sasl::escape_field(name), sasl::escape_field(state->service));
    };
    Found found = co_await state->ask(std::move(question));
    if (found)
        state->keep(name, *found);
    co_return std::move(found);
}

Task<std::expected<User, std::string>> AuthMaster::find_login(
    std::uint32_t client_pid, std::uint32_t auth_request, std::string cookie) {
    std::shared_ptr<State> state = state_;
    // It comes from a process that talks to strangers, and goes into a line.
    if (!std::ranges::all_of(cookie, text::is_alnum))
        co_return std::unexpected(std::string("the login process gave a malformed cookie"));
    ipc::ServiceClient::Question question = [&](std::uint64_t number) {
        return fmt::format("REQUEST\t{}\t{}\t{}\t{}\n", number, client_pid, auth_request, cookie);
    };
    Found found = co_await state->ask(std::move(question));
    if (!found)
        co_return std::unexpected(found.error());
    if (!*found)
        co_return std::unexpected(state->socket + ": no such login, or no such user");
    co_return std::move(**found);
}

}  // namespace userdb
