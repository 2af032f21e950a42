// imapd/auth/mechanism.h - what the messages of PLAIN and LOGIN say.
//
// Standards   RFC 4616 (PLAIN); draft-murchison-sasl-login (LOGIN)
// Failure     Said::Kind::malformed; the login fails.
// Trust       messages come from strangers, decoded from base64 and bounded by the line they came in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace auth {

struct Said {
    enum class Kind { challenge, credentials, malformed };
    Kind kind = Kind::malformed;
    std::string challenge;
    std::string user;
    std::string password;
    std::string reason;  // malformed, for the log
};

class Mechanism {
  public:
    // "PLAIN", "LOGIN"; nothing for others.
    static std::optional<Mechanism> make(std::string_view name);

    const std::string& name() const { return name_; }
    // The client's next message; nothing where it began without an initial response.
    Said take(const std::optional<std::string>& message);

  private:
    explicit Mechanism(std::string_view name) : name_(name) {}
    Said take_plain(const std::string& message) const;
    Said take_login(const std::optional<std::string>& message);

    std::string name_;
    std::optional<std::string> user_;
    bool asked_user_ = false;
};

}  // namespace auth
