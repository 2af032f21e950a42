#include <fmt/format.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <map>

#include "imapd/auth/connections.h"
#include "imapd/auth/mechanism.h"
#include "lib/event/scope.h"
#include "lib/log/log.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"

namespace auth {
namespace {

using event::Task;

constexpr std::size_t kMaxLine = 16384;
constexpr std::size_t kMaxRequests = 5000;  // logins under way on one connection

std::string make_cookie() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        logging::fatal("no random numbers for a cookie");
    std::string cookie;
    for (unsigned char byte : bytes)
        cookie += fmt::format("{:02x}", byte);
    return cookie;
}

// One login under way.
struct Request {
    explicit Request(Mechanism the_mechanism) : mechanism(std::move(the_mechanism)) {}
    Mechanism mechanism;
    std::string service;
    std::string remote_address;
    bool no_login = false;
    bool checking = false;  // its password is being looked at; nothing more is expected from the client
    event::Clock::time_point began = event::Clock::now();
};

class ClientConnection {
  public:
    ClientConnection(event::Stream stream, worker::Client& seat, Services& services)
        : stream_(std::move(stream)), seat_(seat), services_(services), checks_(services.loop), cookie_(make_cookie()) {}
    ~ClientConnection() { services_.logins.forget(cookie_); }

    Task<void> converse() {
        greet();
        for (;;) {
            update_seat();
            std::optional<event::Line> line = co_await stream_.read_line(kMaxLine);
            if (!line)
                co_return;
            std::vector<std::string> fields = sasl::split_fields(line->text);
            if (!take(fields)) {
                logging::warning(
                    "auth client with pid {}: a {} line that breaks the protocol", pid_, fields[0].substr(0, 20));
                co_return;
            }
        }
    }

    // Ends what is under way; to be awaited before the connection is destroyed.
    Task<void> finish() {
        gone_ = true;
        checks_.cancel();
        co_await checks_.close();
    }

  private:
    void greet() {
        std::string greeting = "VERSION\t1\t2\n";
        for (const std::string& name : services_.params.mechanisms()) {
            if (std::optional<Mechanism> mechanism = Mechanism::make(name))
                greeting += fmt::format("MECH\t{}\tplaintext\n", mechanism->name());
        }
        greeting += fmt::format("SPID\t{}\nCUID\t{}\nCOOKIE\t{}\nDONE\n", ::getpid(), ++services_.next_client, cookie_);
        send(greeting);
    }

    // While nothing is under way a reload or a stop may end the connection.
    void update_seat() {
        seat_.set(requests_.empty() ? worker::Client::State::between_requests : worker::Client::State::busy);
    }

    void send(std::string_view text) {
        stream_.write(text);
        stream_.push();
    }

    // False for a line that breaks the protocol. Commands of later versions are passed over.
    bool take(const std::vector<std::string>& fields) {
        const std::string& command = fields[0];
        if (command == "VERSION")
            return fields.size() >= 2 && fields[1] == "1";
        if (fields.size() < 2)
            return command != "AUTH" && command != "CONT" && command != "CPID";
        std::optional<std::uint64_t> number = text::parse_number(fields[1]);
        if (command == "CPID") {
            pid_ = static_cast<std::uint32_t>(number.value_or(0));
            return number.has_value();
        }
        if (command != "AUTH" && command != "CONT" && command != "CANCEL")
            return true;
        if (!number || *number > 0xffffffff)
            return false;
        std::uint32_t id = static_cast<std::uint32_t>(*number);
        if (command == "AUTH")
            return begin(id, fields);
        auto found = requests_.find(id);
        if (found == requests_.end())
            return true;  // over already: the answers have crossed
        if (command == "CANCEL") {
            requests_.erase(found);
            return true;
        }
        std::optional<std::string> message = text::decode_base64(fields.size() > 2 ? fields[2] : "");
        if (found->second.checking)
            return false;
        if (!message)
            fail(id, "a message that is not base64");
        else
            go_on(id, message);
        return true;
    }

    bool begin(std::uint32_t id, const std::vector<std::string>& fields) {
        if (fields.size() < 3 || requests_.contains(id))
            return false;
        if (requests_.size() >= kMaxRequests) {
            send(fmt::format("FAIL\t{}\ttemp\n", id));
            return true;
        }
        std::optional<Mechanism> mechanism = Mechanism::make(fields[2]);
        if (!mechanism || !is_offered(mechanism->name())) {
            send(fmt::format("FAIL\t{}\treason=Unsupported authentication mechanism.\n", id));
            return true;
        }
        Request& request = requests_.try_emplace(id, std::move(*mechanism)).first->second;
        request.service = sasl::find_parameter(fields, 3, "service").value_or("");
        request.remote_address = sasl::find_parameter(fields, 3, "rip").value_or("");
        request.no_login = sasl::find_parameter(fields, 3, "nologin").has_value();
        std::optional<std::string> response = sasl::find_parameter(fields, 3, "resp");
        if (!response) {
            go_on(id, std::nullopt);
            return true;
        }
        std::optional<std::string> message = text::decode_base64(*response);
        if (message)
            go_on(id, message);
        else
            fail(id, "an initial response that is not base64");
        return true;
    }

    bool is_offered(const std::string& name) const {
        for (const std::string& offered : services_.params.mechanisms()) {
            if (text::equal_ignoring_case(offered, name))
                return true;
        }
        return false;
    }

    void go_on(std::uint32_t id, const std::optional<std::string>& message) {
        Said said = requests_.at(id).mechanism.take(message);
        if (said.kind == Said::Kind::challenge) {
            send(fmt::format("CONT\t{}\t{}\n", id, text::encode_base64(said.challenge)));
        } else if (said.kind == Said::Kind::malformed) {
            fail(id, std::move(said.reason));
        } else {
            requests_.at(id).checking = true;
            checks_.spawn(check(id, std::move(said.user), std::move(said.password)));
        }
    }

    void fail(std::uint32_t id, std::string reason) {
        requests_.at(id).checking = true;
        checks_.spawn(tell_failure(id, "", std::move(reason)));
    }

    Task<void> check(std::uint32_t id, std::string user, std::string password) {
        std::string remote = requests_.at(id).remote_address;
        Verdict verdict = co_await services_.database.check(user, std::move(password), std::move(remote));
        auto found = requests_.find(id);
        if (gone_ || found == requests_.end())
            co_return;  // the client has gone or has cancelled
        if (verdict.kind == Verdict::Kind::wrong) {
            co_await tell_failure(id, std::move(user), std::move(verdict.reason));
            co_return;
        }
        bool no_login = found->second.no_login;
        requests_.erase(found);
        if (verdict.kind == Verdict::Kind::trouble) {
            send(fmt::format("FAIL\t{}\tuser={}\ttemp\n", id, sasl::escape_field(user)));
        } else {
            if (!no_login)
                services_.logins.add(cookie_, pid_, id, verdict.user);
            send(fmt::format("OK\t{}\tuser={}\n", id, sasl::escape_field(verdict.user)));
        }
        update_seat();
    }

    // Every failure takes the same time, counted from the attempt: neither the reason shows nor how far the hash got,
    // and guessing is slow.
    Task<void> tell_failure(std::uint32_t id, std::string user, std::string reason) {
        const Request& request = requests_.at(id);
        logging::info("authentication failed: user=<{}>, service={}, mechanism={}, rip={}, {}", user, request.service,
            request.mechanism.name(), request.remote_address, reason);
        auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(event::Clock::now() - request.began);
        std::chrono::milliseconds rest = services_.params.failure_delay() - passed;
        if (rest.count() > 0)
            co_await event::sleep_for(services_.loop, rest);
        if (gone_ || requests_.erase(id) == 0)
            co_return;
        std::string line = fmt::format("FAIL\t{}", id);
        if (!user.empty())
            line += "\tuser=" + sasl::escape_field(user);
        send(line + "\n");
        update_seat();
    }

    event::Stream stream_;
    worker::Client& seat_;
    Services& services_;
    event::Scope checks_;
    std::string cookie_;
    std::uint32_t pid_ = 0;
    std::map<std::uint32_t, Request> requests_;
    bool gone_ = false;
};

}  // namespace

Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    ClientConnection connection(std::move(stream), seat, services);
    try {
        co_await connection.converse();
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::too_long)
            logging::warning("auth client: a line longer than {} octets", kMaxLine);
    }
    co_await connection.finish();
}

}  // namespace auth
