#include "lib/sasl/auth_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "lib/event/signal.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"

namespace sasl {

using namespace std::chrono_literals;
using event::StreamError;
using event::Task;

namespace {

constexpr std::size_t kMaxLine = 65536;
constexpr auto kLook = 5000ms;  // how often the reader looks for requests that wait too long
constexpr auto kConnectTimeout = 10s;

// A request that waits for auth's answer. It lives in the frame of the coroutine that waits.
struct Pending {
    explicit Pending(event::Loop& loop) : answered(loop), since(event::Clock::now()) {}
    event::Notice answered;
    event::Clock::time_point since;
    std::optional<Step> step;
    bool lost = false;  // the connection went away before an answer
};

Mechanism parse_mechanism(const std::vector<std::string>& fields) {
    Mechanism mechanism;
    mechanism.name = fields.size() > 1 ? text::upper(fields[1]) : "";
    for (std::size_t i = 2; i < fields.size(); ++i) {
        const std::string& flag = fields[i];
        mechanism.plaintext = mechanism.plaintext || flag == "plaintext";
        mechanism.anonymous = mechanism.anonymous || flag == "anonymous";
        mechanism.dictionary = mechanism.dictionary || flag == "dictionary";
        mechanism.active = mechanism.active || flag == "active";
        mechanism.forward_secrecy = mechanism.forward_secrecy || flag == "forward-secrecy";
        mechanism.mutual_auth = mechanism.mutual_auth || flag == "mutual-auth";
        mechanism.is_private = mechanism.is_private || flag == "private";
    }
    return mechanism;
}

// "OK id user=...", "FAIL id ...", "CONT id base64"; nothing for other lines.
std::optional<Step> parse_answer(const std::vector<std::string>& fields) {
    if (fields.size() < 2)
        return std::nullopt;
    std::optional<std::uint64_t> id = text::parse_number(fields[1]);
    if (!id)
        return std::nullopt;
    Step step(Step::Kind::trouble, static_cast<std::uint32_t>(*id), "");
    if (fields[0] == "OK") {
        step.user = find_parameter(fields, 2, "user").value_or("");
        step.kind = step.user.empty() ? Step::Kind::trouble : Step::Kind::ok;
        step.text = step.user.empty() ? "auth did not say who the user is" : "";
    } else if (fields[0] == "CONT") {
        std::optional<std::string> challenge = text::decode_base64(fields.size() > 2 ? fields[2] : "");
        step.kind = challenge ? Step::Kind::more : Step::Kind::trouble;
        step.text = challenge.value_or("auth sent a challenge that is not base64");
    } else if (fields[0] == "FAIL") {
        bool temporary = find_parameter(fields, 2, "temp").has_value();
        step.kind = temporary ? Step::Kind::trouble : Step::Kind::failed;
        step.text = find_parameter(fields, 2, "reason").value_or(temporary ? "auth has a temporary problem" : "");
        step.code = find_parameter(fields, 2, "code").value_or("");
    } else {
        return std::nullopt;
    }
    return step;
}

}  // namespace

struct AuthClient::State {
    State(event::Loop& the_loop, std::chrono::milliseconds the_timeout)
        : loop(the_loop), timeout(the_timeout), changed(the_loop) {}

    event::Loop& loop;
    std::chrono::milliseconds timeout;
    event::SocketAddress address;
    std::string where;
    std::string trouble;

    event::Stream stream;
    bool connected = false;
    bool connecting = false;
    event::Notice changed;  // connected or connecting has changed
    event::Context* reader = nullptr;
    std::vector<Mechanism> mechanisms;
    std::string cookie;
    std::uint32_t next_id = 0;
    std::map<std::uint32_t, Pending*> pending;

    void send(const std::string& line) {
        stream.write(line);
        stream.push();
    }

    void lose(const std::string& why) {
        connected = false;
        trouble = fmt::format("{}: {}", where, why);
        stream = event::Stream();
        std::map<std::uint32_t, Pending*> lost;
        lost.swap(pending);
        for (auto& [id, request] : lost) {
            request->lost = true;
            request->step = Step(Step::Kind::trouble, id, trouble);
            request->answered.notify_all();
        }
    }

    bool has_overdue() const {
        auto limit = event::Clock::now() - timeout;
        for (const auto& [id, request] : pending) {
            if (request->since < limit)
                return true;
        }
        return false;
    }
};

namespace {

using State = AuthClient::State;

// Forgets the request when the coroutine that waits for it ends, however it ends.
class Registration {
  public:
    Registration(State& state, std::uint32_t id, Pending& pending) : state_(state), id_(id) {
        state_.pending[id] = &pending;
    }
    ~Registration() {
        auto found = state_.pending.find(id_);
        if (found == state_.pending.end())
            return;
        state_.pending.erase(found);
        if (state_.connected)
            state_.send(fmt::format("CANCEL\t{}\n", id_));  // nobody waits for the answer any more
    }
    Registration(const Registration&) = delete;

  private:
    State& state_;
    std::uint32_t id_;
};

void take_answer(State& state, std::string_view line) {
    std::optional<Step> step = parse_answer(split_fields(line));
    if (!step)
        return;
    auto found = state.pending.find(step->id);
    if (found == state.pending.end())
        return;  // abandoned meanwhile
    Pending* request = found->second;
    state.pending.erase(found);
    request->step = std::move(step);
    request->answered.notify_all();
}

Task<void> read_answers(std::shared_ptr<State> state) {
    std::string why = "connection closed by auth";
    bool going = true;
    while (going) {
        bool silent = false;
        try {
            std::optional<event::Line> line = co_await state->stream.read_line(kMaxLine);
            if (line)
                take_answer(*state, line->text);
            going = line.has_value();
        } catch (const StreamError& error) {
            silent = error.kind() == StreamError::Kind::timeout;
            why = error.what();
            going = silent;
        }
        if (silent && state->has_overdue()) {
            why = "auth does not answer";
            going = false;
        }
    }
    state->lose(why);
}

// The server's greeting, up to DONE. Throws a StreamError, or a runtime_error with what is wrong in it.
Task<void> read_handshake(State& state) {
    std::vector<Mechanism> mechanisms;
    std::string cookie;
    bool version_seen = false;
    for (;;) {
        std::optional<event::Line> line = co_await state.stream.read_line(kMaxLine);
        if (!line)
            throw StreamError(StreamError::Kind::eof, "auth closed the connection in its greeting");
        std::vector<std::string> fields = split_fields(line->text);
        if (fields[0] == "VERSION") {
            version_seen = fields.size() > 1 && fields[1] == "1";
            if (!version_seen)
                throw StreamError(StreamError::Kind::io, "auth speaks another version of the protocol");
        } else if (fields[0] == "MECH" && mechanisms.size() < 100) {
            Mechanism mechanism = parse_mechanism(fields);
            mechanisms.push_back(std::move(mechanism));
        } else if (fields[0] == "COOKIE" && fields.size() > 1) {
            cookie = fields[1];
        } else if (fields[0] == "DONE") {
            break;
        }
    }
    if (!version_seen)
        throw StreamError(StreamError::Kind::io, "auth did not tell its version");
    state.mechanisms = std::move(mechanisms);
    state.cookie = std::move(cookie);
}

Task<void> make_connection(std::shared_ptr<State> state) {
    try {
        event::Task<event::Stream> connecting = event::connect(state->loop, state->address, kConnectTimeout);
        state->stream = co_await std::move(connecting);
        state->stream.set_timeout(kConnectTimeout);
        state->stream.write(fmt::format("VERSION\t1\t2\nCPID\t{}\n", ::getpid()));
        co_await read_handshake(*state);
        state->stream.set_timeout(kLook);
        state->connected = true;
        state->trouble.clear();
    } catch (const StreamError& error) {
        state->lose(error.what());
        if (error.kind() == StreamError::Kind::cancelled) {
            state->connecting = false;
            state->changed.notify_all();
            throw;
        }
    }
    state->connecting = false;
    state->changed.notify_all();
}

// Connected afterwards, or trouble says why not.
Task<void> ensure_connected(std::shared_ptr<State> state) {
    if (state->address.length == 0)
        co_return;  // the socket's name made no sense; trouble says so
    while (state->connecting)
        co_await state->changed.wait();
    if (state->connected)
        co_return;
    state->connecting = true;
    co_await make_connection(state);
    if (state->connected) {
        event::Task<void> reader = read_answers(state);
        auto forget = [state] { state->reader = nullptr; };
        state->loop.spawn(std::move(reader), &state->reader, forget);
    }
}

std::string auth_line(std::uint32_t id, const ClientInfo& info, const std::string& mechanism,
    const std::optional<std::string>& initial_response) {
    std::string line = fmt::format("AUTH\t{}\t{}\tservice={}", id, escape_field(mechanism), escape_field(info.service));
    if (info.no_login)
        line += "\tnologin";
    if (!info.local_address.empty())
        line += "\tlip=" + escape_field(info.local_address);
    if (!info.remote_address.empty())
        line += "\trip=" + escape_field(info.remote_address);
    if (info.local_port != 0)
        line += fmt::format("\tlport={}", info.local_port);
    if (info.remote_port != 0)
        line += fmt::format("\trport={}", info.remote_port);
    if (info.secured)
        line += "\tsecured";
    // It takes the rest of the line.
    if (initial_response)
        line += "\tresp=" + text::encode_base64(*initial_response);
    return line + "\n";
}

Task<Step> wait_for_answer(State& state, std::uint32_t id, std::string line, bool& lost) {
    Pending pending(state.loop);
    Registration registration(state, id, pending);
    state.send(line);
    while (!pending.step)
        co_await pending.answered.wait();
    lost = pending.lost;
    Step step = std::move(*pending.step);
    co_return step;
}

}  // namespace

AuthClient::AuthClient(event::Loop& loop, const std::string& socket, std::chrono::milliseconds timeout)
    : state_(std::make_shared<State>(loop, timeout)) {
    state_->where = socket;
    // A plain path is a UNIX socket.
    bool typed = socket.starts_with("inet:") || socket.starts_with("unix:");
    auto endpoint = event::Endpoint::parse(typed ? socket : "unix:" + socket);
    if (!endpoint) {
        state_->trouble = socket + ": " + endpoint.error();
        return;
    }
    if (endpoint->kind == event::Endpoint::Kind::unix_socket) {
        state_->address = event::unix_address(endpoint->path);
        return;
    }
    // At start and before the jail: a name may be looked up here.
    auto addresses = endpoint->resolve();
    if (addresses && !addresses->empty())
        state_->address = addresses->front();
    else
        state_->trouble = socket + ": " + (addresses ? "no address" : addresses.error());
}

AuthClient::~AuthClient() {
    if (state_->reader != nullptr)
        state_->reader->cancel();
}

const std::string& AuthClient::trouble() const { return state_->trouble; }
std::uint32_t AuthClient::client_pid() const { return static_cast<std::uint32_t>(::getpid()); }
const std::string& AuthClient::cookie() const { return state_->cookie; }

Task<std::vector<Mechanism>> AuthClient::mechanisms() {
    std::shared_ptr<State> state = state_;
    co_await ensure_connected(state);
    std::vector<Mechanism> offered;
    if (state->connected)
        offered = state->mechanisms;
    co_return offered;
}

Task<Step> AuthClient::begin(ClientInfo info, std::string mechanism, std::optional<std::string> initial_response) {
    std::shared_ptr<State> state = state_;
    // A connection that was made earlier may have ended unnoticed; then it is worth a second try.
    for (int attempt = 0; attempt < 2; ++attempt) {
        co_await ensure_connected(state);
        if (!state->connected)
            break;
        if (++state->next_id == 0)
            state->next_id = 1;
        std::uint32_t id = state->next_id;
        std::string line = auth_line(id, info, mechanism, initial_response);
        bool lost = false;
        Step step = co_await wait_for_answer(*state, id, std::move(line), lost);
        if (!lost)
            co_return step;
    }
    Step trouble(Step::Kind::trouble, 0, state->trouble);
    co_return trouble;
}

Task<Step> AuthClient::respond(std::uint32_t id, std::string response) {
    std::shared_ptr<State> state = state_;
    Step step(Step::Kind::trouble, id, state->trouble);
    if (!state->connected)
        co_return step;
    std::string line = fmt::format("CONT\t{}\t{}\n", id, text::encode_base64(response));
    bool lost = false;
    step = co_await wait_for_answer(*state, id, std::move(line), lost);
    co_return step;
}

void AuthClient::abandon(std::uint32_t id) {
    if (state_->connected)
        state_->send(fmt::format("CANCEL\t{}\n", id));
}

}  // namespace sasl
