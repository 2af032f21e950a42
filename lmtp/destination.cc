#include "lmtp/destination.h"

#include "lib/log/log.h"
#include "lib/time/clock.h"

namespace lmtp {

using delivery::DeliverStatus;
using delivery::Job;

namespace {

constexpr unsigned kResolverThreads = 4;

event::Task<void> say_goodbye(std::unique_ptr<Session> session) { co_await session->quit(); }

}  // namespace

Destinations::Destinations(event::Loop& loop, const Settings& settings)
    : loop_(loop), settings_(settings), resolver_(loop, kResolverThreads) {}

event::Task<std::expected<std::vector<event::SocketAddress>, std::string>> Destinations::resolve(event::Endpoint endpoint) {
    std::expected<std::vector<event::SocketAddress>, std::string> addresses;
    if (endpoint.is_numeric()) {
        addresses = endpoint.resolve();
        co_return addresses;
    }
    auto job = [endpoint] { return endpoint.resolve(); };
    addresses = co_await resolver_.run(std::move(job));
    co_return addresses;
}

event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> Destinations::open_first(
    std::vector<event::SocketAddress> addresses, event::Endpoint endpoint) {
    DestinationFailure last;
    for (const event::SocketAddress& address : addresses) {
        Server server;
        bool local = endpoint.kind == event::Endpoint::Kind::unix_socket;
        server.name = local ? settings_.params.myhostname() : endpoint.host;
        server.address = local ? endpoint.path : address.host();
        server.port = local ? "" : std::to_string(address.port());
        bool with_tls = settings_.tls_level != TlsLevel::none;
        std::expected<std::unique_ptr<Session>, DestinationFailure> session = co_await Session::open(
            loop_, settings_, server, address, with_tls);
        // Opportunistic TLS that fails must not hold mail back (RFC 7435).
        bool tls_trouble = !session && session.error().dsn.starts_with("4.7.");
        if (tls_trouble && settings_.tls_level == TlsLevel::may)
            session = co_await Session::open(loop_, settings_, server, address, false);
        if (session)
            co_return std::move(session);
        logging::info("{}", session.error().text);
        last = session.error();
    }
    co_return std::unexpected(last);
}

event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> Destinations::open(std::string nexthop) {
    auto wrong = [&](const std::string& why) {
        return std::unexpected(DestinationFailure{"4.3.5", "nexthop " + nexthop + ": " + why, "none", false});
    };
    auto endpoint = event::Endpoint::parse(nexthop);
    if (!endpoint)
        co_return wrong(endpoint.error());
    bool bracketed = nexthop.find('[') != std::string::npos;
    if (!settings_.lmtp && !bracketed && endpoint->kind == event::Endpoint::Kind::inet && !endpoint->is_numeric())
        co_return wrong("the mail exchangers of a domain cannot be looked up; name a host in [brackets]");
    if (endpoint->port.empty())
        endpoint->port = std::to_string(settings_.params.tcp_port());
    std::expected<std::vector<event::SocketAddress>, std::string> addresses = co_await resolve(*endpoint);
    if (!addresses)
        co_return std::unexpected(DestinationFailure{"4.4.3", addresses.error(), "none", false});
    std::expected<std::unique_ptr<Session>, DestinationFailure> session = co_await open_first(*addresses, *endpoint);
    co_return std::move(session);
}

std::unique_ptr<Session> Destinations::take_kept(const std::string& nexthop) {
    auto found = kept_.find(nexthop);
    if (found == kept_.end())
        return nullptr;
    std::unique_ptr<Session> session = std::move(found->second.back().session);
    found->second.pop_back();
    if (found->second.empty())
        kept_.erase(found);
    return session;
}

void Destinations::keep(const std::string& nexthop, std::unique_ptr<Session> session) {
    int limit = settings_.params.connection_reuse_count_limit();
    bool used_up = limit > 0 && session->messages() >= limit;
    if (!session->usable())
        return;
    if (used_up || settings_.params.connection_cache_time_limit().count() == 0) {
        dismiss(std::move(session));
        return;
    }
    Kept kept{std::move(session), event::Clock::now()};
    kept_[nexthop].push_back(std::move(kept));
}

void Destinations::dismiss(std::unique_ptr<Session> session) { loop_.spawn(say_goodbye(std::move(session))); }

event::Task<void> Destinations::deliver(Job& job) {
    const std::string& nexthop = job.request.nexthop;
    for (;;) {
        std::unique_ptr<Session> session = take_kept(nexthop);
        if (!session) {
            std::expected<std::unique_ptr<Session>, DestinationFailure> opened = co_await open(nexthop);
            if (!opened) {
                const DestinationFailure& trouble = opened.error();
                job.result.destination_failed = true;
                job.result.failure_dsn = trouble.dsn;
                job.result.failure_text = trouble.text;
                job.finish_all(delivery::make_result(DeliverStatus::deferred, trouble.dsn, trouble.text, trouble.relay));
                co_return;
            }
            session = std::move(*opened);
        }
        job.connected_us = wall_clock::now_us();
        co_await session->deliver(job);
        bool again = session->was_stale();
        keep(nexthop, std::move(session));
        if (!again)
            co_return;
    }
}

event::Task<void> Destinations::close_idle() {
    using namespace std::chrono_literals;
    for (;;) {
        co_await event::sleep_for(loop_, 500ms);
        auto limit = event::Clock::now() - settings_.params.connection_cache_time_limit();
        for (auto entry = kept_.begin(); entry != kept_.end();) {
            std::vector<Kept>& sessions = entry->second;
            // The oldest stand in front.
            while (!sessions.empty() && sessions.front().since <= limit) {
                dismiss(std::move(sessions.front().session));
                sessions.erase(sessions.begin());
            }
            entry = sessions.empty() ? kept_.erase(entry) : std::next(entry);
        }
    }
}

void Destinations::close_all() { kept_.clear(); }

}  // namespace lmtp
