// showq - lists the queue for whoever connects to public/showq.
//
// Rights      mail_owner, confined to the queue directory where master.cf says so.
// Peers       postqueue, over public/showq.
// Manual      showq(8)
#include "lib/event/error.h"
#include "lib/event/thread_pool.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"
#include "qmgr/showq/listing.h"

namespace {

using namespace std::chrono_literals;
using ipc::records::ShowqEnd;
using ipc::records::ShowqMessage;

event::Task<void> list_queue(event::Stream client, const queue::Spool& spool, event::ThreadPool& pool) {
    client.set_timeout(300s);  // a reader that has stopped reading
    ipc::Channel channel{std::move(client)};
    showq::Listing listing{spool};
    ShowqEnd end;
    for (;;) {
        auto job = [&listing] { return listing.next(); };
        std::vector<ShowqMessage> messages = co_await pool.run(std::move(job));
        if (messages.empty())
            break;
        for (const ShowqMessage& message : messages) {
            channel.write(message);
            ++end.messages;
        }
        co_await channel.stream().drain();
    }
    channel.write(end);
    co_await channel.stream().flush();
}

}  // namespace

int main(int argc, char** argv) {
    config::CommonParams params;
    worker::Program program(argc, argv, "showq", params);
    auto spool = queue::Spool::open(".");
    if (!spool)
        logging::fatal("{}", spool.error().text);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    event::ThreadPool pool{jail.loop(), 4};
    return jail.serve([&](event::Stream client, worker::Client&) { return list_queue(std::move(client), *spool, pool); });
}
