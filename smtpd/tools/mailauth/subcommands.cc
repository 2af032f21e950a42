// The table of subcommands: one row, one file each.
#include "smtpd/tools/mailauth/envelope.h"
#include "smtpd/tools/mailauth/message.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

const std::vector<Subcommand>& subcommands() {
    static const std::vector<Subcommand> table = {
        {"verify",
            {{"client", "IP", true}, {"helo", "HELO", true}, {"from", "ADDRESS", true}, {"method", "list|walk"},
                {"trusted-sealer", "DOMAIN"}, {"allow-body-length", nullptr}, {"authserv-id", "HOST"}, {"receiver", "HOST"}},
            "", 0, 0, run_verify, "< message"},
        {"spf",
            {{"client", "IP", true}, {"helo", "HELO", true}, {"from", "ADDRESS"}, {"identity", "helo|mailfrom"},
                {"receiver", "HOST"}},
            "", 0, 0, run_spf},
        {"dkim", {{"allow-body-length", nullptr}, {"authserv-id", "HOST"}}, "", 0, 0, run_dkim, "< message"},
        {"arc", {{"authserv-id", "HOST"}}, "", 0, 0, run_arc, "< message"},
        {"dmarc",
            {{"spf", "DOMAIN"}, {"method", "list|walk"}, {"trusted-sealer", "DOMAIN"}, {"allow-body-length", nullptr},
                {"authserv-id", "HOST"}},
            "", 0, 0, run_dmarc, "< message"},
        {"sign",
            {{"domain", "DOMAIN", true}, {"key", "SELECTOR=FILE", true}, {"identity", "IDENTITY"},
                {"canonicalization", "HEADER/BODY"}, {"headers", "NAME:NAME"}, {"lifetime", "SECONDS"},
                {"message", nullptr}},
            "", 0, 0, run_sign, "< message"},
        {"seal", {{"domain", "DOMAIN", true}, {"key", "SELECTOR=FILE", true}, {"authserv-id", "HOST"}, {"message", nullptr}},
            "", 0, 0, run_seal, "< message"},
        {"keygen",
            {{"domain", "DOMAIN", true}, {"selector", "SELECTOR", true}, {"type", "rsa|ed25519"}, {"bits", "N"},
                {"directory", "FOLDER"}},
            "", 0, 0, run_keygen},
        {"check", {{"selector", "SELECTOR"}}, "DOMAIN", 1, 1, run_check},
        {"report", {}, "show FILE...", 2, 1000, run_report},
    };
    return table;
}

}  // namespace mailauth
