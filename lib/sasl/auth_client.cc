#include "lib/sasl/auth_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <expected>

#include "lib/ipc/service_client.h"
#include "lib/sasl/auth_framing.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"

namespace sasl {

using namespace std::chrono_literals;
using event::StreamError;
using event::Task;

namespace {

constexpr std::size_t kMaxLine = 65536;
constexpr std::size_t kMaxMechanisms = 100;
constexpr auto kConnectTimeout = 10s;

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
        step.user = find_parameter(fields, 2, "user").value_or("");
        step.text = find_parameter(fields, 2, "reason").value_or(temporary ? "auth has a temporary problem" : "");
        step.code = find_parameter(fields, 2, "code").value_or("");
    } else {
        return std::nullopt;
    }
    return step;
}

// The client side: our version and process first, then auth's greeting up to DONE.
class ClientFraming final : public AuthFraming {
  public:
    ClientFraming() : AuthFraming({"OK", "FAIL", "CONT"}) {}

    Task<void> greet(event::Stream& stream) override {
        stream.write(fmt::format("VERSION\t1\t2\nCPID\t{}\n", ::getpid()));
        Greeting greeting;
        while (!greeting.done) {
            std::optional<event::Line> line = co_await stream.read_line(kMaxLine);
            if (!line)
                throw StreamError(StreamError::Kind::eof, "auth closed the connection in its greeting");
            take(greeting, split_fields(line->text));
        }
        if (!greeting.version_seen)
            throw StreamError(StreamError::Kind::io, "auth did not tell its version");
        mechanisms = std::move(greeting.mechanisms);
        cookie = std::move(greeting.cookie);
    }

    std::string cancellation(std::uint64_t number) override { return fmt::format("CANCEL\t{}\n", number); }

    std::vector<Mechanism> mechanisms;
    std::string cookie;

  private:
    struct Greeting {
        std::vector<Mechanism> mechanisms;
        std::string cookie;
        bool version_seen = false;
        bool done = false;
    };

    static void take(Greeting& greeting, const std::vector<std::string>& fields) {
        if (const std::string fault = version_fault(fields); !fault.empty())
            throw StreamError(StreamError::Kind::io, fault);
        greeting.version_seen = greeting.version_seen || fields[0] == "VERSION";
        greeting.done = fields[0] == "DONE";
        if (fields[0] == "MECH" && greeting.mechanisms.size() < kMaxMechanisms)
            greeting.mechanisms.push_back(parse_mechanism(fields));
        else if (fields[0] == "COOKIE" && fields.size() > 1)
            greeting.cookie = fields[1];
    }
};

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

// A login may be begun twice: what was lost on the way cost nobody anything.
ipc::ServiceSettings settings_of(const std::string& socket, std::chrono::milliseconds timeout) {
    ipc::ServiceSettings settings(socket, kConnectTimeout);
    settings.answer = timeout;
    settings.max_frame = kMaxLine;
    settings.repeatable = true;
    return settings;
}

// Where auth is; at start and before the jail, so a name may be looked up here.
std::expected<event::SocketAddress, std::string> address_of(const std::string& socket) {
    const bool typed = socket.starts_with("inet:") || socket.starts_with("unix:");
    auto endpoint = event::Endpoint::parse(typed ? socket : "unix:" + socket);
    if (!endpoint)
        return std::unexpected(socket + ": " + endpoint.error());
    if (endpoint->kind == event::Endpoint::Kind::unix_socket)
        return event::unix_address(endpoint->path);
    auto addresses = endpoint->resolve();
    if (!addresses)
        return std::unexpected(socket + ": " + addresses.error());
    if (addresses->empty())
        return std::unexpected(socket + ": no address");
    return addresses->front();
}

}  // namespace

struct AuthClient::State {
    std::shared_ptr<ClientFraming> framing = std::make_shared<ClientFraming>();
    std::optional<ipc::ServiceClient> client;  // none where the socket's name made no sense
    std::string trouble;

    Step trouble_step(std::uint32_t id) { return Step(Step::Kind::trouble, id, trouble); }

    Step step_of(std::uint32_t id, const ipc::ServiceClient::Answer& answer) {
        if (!answer) {
            trouble = answer.error();
            return trouble_step(id);
        }
        std::optional<Step> step = parse_answer(split_fields(*answer));
        return step ? std::move(*step) : Step(Step::Kind::trouble, id, "auth gave an answer that is none");
    }
};

AuthClient::AuthClient(event::Loop& loop, const std::string& socket, std::chrono::milliseconds timeout)
    : state_(std::make_shared<State>()) {
    auto address = address_of(socket);
    if (!address) {
        state_->trouble = address.error();
        return;
    }
    ipc::ServiceSettings settings = settings_of(socket, timeout);
    settings.address = *address;
    state_->client.emplace(loop, std::move(settings), state_->framing);
}

// Who still waits hears that nobody answers any more.
AuthClient::~AuthClient() { state_->client.reset(); }

const std::string& AuthClient::trouble() const { return state_->trouble; }
std::uint32_t AuthClient::client_pid() const { return static_cast<std::uint32_t>(::getpid()); }
const std::string& AuthClient::cookie() const { return state_->framing->cookie; }

Task<std::vector<Mechanism>> AuthClient::mechanisms() {
    std::shared_ptr<State> state = state_;
    std::vector<Mechanism> offered;
    if (!state->client)
        co_return offered;
    state->trouble = co_await state->client->connect();
    if (state->trouble.empty())
        offered = state->framing->mechanisms;
    co_return offered;
}

Task<Step> AuthClient::begin(ClientInfo info, std::string mechanism, std::optional<std::string> initial_response) {
    std::shared_ptr<State> state = state_;
    if (!state->client)
        co_return state->trouble_step(0);
    ipc::ServiceClient::Question question = [&](std::uint64_t number) {
        return auth_line(static_cast<std::uint32_t>(number), info, mechanism, initial_response);
    };
    const ipc::ServiceClient::Answer answer = co_await state->client->ask(std::move(question));
    co_return state->step_of(0, answer);
}

Task<Step> AuthClient::respond(std::uint32_t id, std::string response) {
    std::shared_ptr<State> state = state_;
    if (!state->client)
        co_return state->trouble_step(id);
    std::string line = fmt::format("CONT\t{}\t{}\n", id, text::encode_base64(response));
    const ipc::ServiceClient::Answer answer = co_await state->client->go_on(id, std::move(line));
    co_return state->step_of(id, answer);
}

void AuthClient::abandon(std::uint32_t id) {
    if (state_->client)
        state_->client->tell(state_->framing->cancellation(id));
}

}  // namespace sasl
