// lib/sasl/auth_framing.h - the lines of auth's two protocols on a kept connection, for ipc::ServiceClient.
//
// Both number their requests in the second field, and both greet with VERSION. What is said first and what else the greeting
// holds is for the client protocol (AuthClient) and the master protocol (userdb::AuthMaster) to say.
//
// Standards   Dovecot's auth protocol, client and master side, major version 1
// Failure     another major version, or a line that is too long, ends the connection with a reason.
// Trust       auth is believed; the length of its lines is bounded.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/service_client.h"

namespace sasl {

class AuthFraming : public ipc::Numbering {
  public:
    // The words that begin an answer: {"OK", "FAIL", "CONT"}.
    explicit AuthFraming(std::initializer_list<std::string_view> answers) : answers_(answers) {}

    event::Task<std::optional<std::string_view>> read_frame(event::Stream& stream, std::size_t max) override;
    std::optional<std::uint64_t> number_of(std::string_view frame) override;
    std::string fault(std::string_view frame) override;
    std::uint64_t largest() const override { return UINT32_MAX; }

  private:
    std::vector<std::string_view> answers_;
};

// "VERSION major minor": the reason where this is not major version 1; empty where it is, or no VERSION line.
std::string version_fault(const std::vector<std::string>& fields);

}  // namespace sasl
