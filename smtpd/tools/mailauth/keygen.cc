// mailauth keygen - a private key in a file, and the record that publishes its public half.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/dkim/crypto.h"
#include "lib/dkim/signature.h"
#include "lib/event/fd.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/message.h"

namespace mailauth {
namespace {

dkim::PrivateKey make_key(const Invocation& call) {
    const std::string type = call.get("type", "rsa");
    if (type == "ed25519")
        return dkim::PrivateKey::generate_ed25519();
    if (type != "rsa")
        throw UsageError(fmt::format("--type {}: rsa or ed25519 is wanted", type));
    const auto bits = text::parse_number(call.get("bits", "2048"));
    if (!bits || *bits < 1024 || *bits > 4096)  // RFC 8301, 3.2
        throw UsageError(fmt::format("--bits {}: a number from 1024 to 4096 is wanted", call.get("bits")));
    return dkim::PrivateKey::generate_rsa(static_cast<unsigned>(*bits));
}

// A key that is there already is never written over: signatures that are on their way still need it.
void write_key(const std::string& path, const std::string& pem) {
    const event::Fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file)
        throw FileError(fmt::format("{}: {}", path, std::strerror(errno)));
    if (write(file.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()) || fsync(file.get()) != 0) {
        const int error = errno;
        unlink(path.c_str());
        throw FileError(fmt::format("{}: {}", path, std::strerror(error)));
    }
}

// A TXT record holds strings of at most 255 octets; verifiers join them.
std::string zone_record(const std::string& name, const std::string& value) {
    std::string strings;
    for (std::size_t at = 0; at < value.size(); at += 255)
        strings += fmt::format(" \"{}\"", value.substr(at, 255));
    return fmt::format("{}. IN TXT{}{}{}", name, value.size() > 255 ? " (" : "", strings, value.size() > 255 ? " )" : "");
}

}  // namespace

event::Task<int> run_keygen(Invocation& call) {
    const auto domain = dkim::to_a_labels(call.get("domain"));
    const auto selector = dkim::to_a_labels(call.get("selector"));
    if (!domain || !selector)
        throw UsageError(!domain ? fmt::format("--domain {}: a domain name is wanted", call.get("domain"))
                                 : fmt::format("--selector {}: a name is wanted", call.get("selector")));
    const dkim::PrivateKey key = make_key(call);
    const std::string path = fmt::format("{}/{}.{}.key", call.get("directory", "."), *selector, *domain);
    write_key(path, key.pem());
    const bool rsa = key.type() == dkim::KeyType::rsa;
    const std::string value = fmt::format(
        "v=DKIM1; k={}; p={}", rsa ? "rsa" : "ed25519", text::encode_base64(key.public_data()));
    call.report.add("keygen", "done")
        .detail("file", path)
        .detail("algorithm", rsa ? "rsa-sha256" : "ed25519-sha256")
        .detail("sign-table", fmt::format("{} {}:{}", *domain, *selector, path));
    call.report.text(zone_record(*selector + "._domainkey." + *domain, value));
    co_return 0;
}

}  // namespace mailauth
