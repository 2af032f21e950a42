// lib/dns/unbound_resolver.h - a resolver on libunbound, in the worker's own event loop: no thread, no waiting.
//
// Everything that libunbound reads (resolv.conf, root hints, trust anchor) is read by make(), so that a process may be
// confined after it. From then on it needs nothing but sockets. The cache is this process's.
//
// Standards   RFC 1034, 1035, 4033-4035
// It has no time limit and no shares: those are the desk's (shared_resolver.h), which stands in front of it.
//
// Failure     make() tells which file or parameter cannot be used. Who stops waiting for an answer ends his question; what
//             libunbound still hears about it goes into its cache.
// Lifetime    ends before its loop; no question may be waiting then.
#pragma once

#include <chrono>
#include <expected>
#include <memory>

#include "lib/dns/resolver.h"
#include "lib/event/loop.h"

struct ub_ctx;

namespace dns {

struct Params;

class UnboundResolver final : public Resolver {
  public:
    struct Settings {
        std::vector<std::string> forwarders;  // "192.0.2.53", "[::1]:5353"
        std::string root_hints_file, trust_anchor_file;
        std::int64_t cache_size = 8 << 20;
        std::size_t question_limit = 1000;  // twice as many may be with libunbound, those that nobody waits for included
    };
    static Settings settings_of(const Params& params);
    static std::expected<std::unique_ptr<UnboundResolver>, std::string> make(event::Loop& loop, Settings settings);
    ~UnboundResolver() override;

    event::Task<RawAnswer> query(std::string name, Type type) override;

  private:
    struct Question;
    UnboundResolver(event::Loop& loop, Settings settings);
    std::string configure();
    std::string add_servers();
    void ask(const std::shared_ptr<Question>& question);
    static void on_answer(void* data, int rcode, void* packet, int length, int security, char* why_bogus, int limited);

    event::Loop& loop_;
    Settings settings_;
    ub_ctx* context_ = nullptr;
    std::vector<std::shared_ptr<Question>> under_way_;  // libunbound holds pointers to them
};

}  // namespace dns
