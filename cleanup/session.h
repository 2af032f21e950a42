// cleanup/session.h - one client of cleanup: messages one after the other over one connection.
//
// Failure     a record that does not belong ends the connection, with a line in the log; so does a broken stream.
// Trust       see lib/ipc/records/cleanup.h.
#pragma once

#include <optional>
#include <string>

#include "cleanup/intake.h"
#include "cleanup/service.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/ipc/channel.h"
#include "lib/worker/program.h"

namespace cleanup {

class Session {
  public:
    Session(event::Stream stream, worker::Client& seat, Service& service)
        : channel_{std::move(stream)}, seat_{seat}, service_{service} {}

    event::Task<void> converse();

  private:
    // The reason why the client has to go; empty while it may stay.
    event::Task<std::string> take_frame(std::string_view frame);
    event::Task<void> end_message(ipc::records::CleanupEnd end);
    std::string next_id();

    ipc::Channel channel_;
    worker::Client& seat_;
    Service& service_;
    std::string queue_id_;  // of the message that is being taken in, or of the next one
    std::optional<Intake> intake_;
};

// The root of each connection.
event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Service& service);

}  // namespace cleanup
