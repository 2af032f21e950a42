#include "cleanup/signer/key_ring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "lib/dict/table.h"
#include "lib/dkim/sign_table.h"
#include "lib/event/fd.h"

namespace signer {
namespace {

constexpr std::size_t kMaxKeyFile = 64 << 10;

std::expected<std::string, std::string> read_secret(const std::string& path) {
    const auto failed = [&](std::string_view what) { return std::unexpected(fmt::format("{}: {}", path, what)); };
    const event::Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file)
        return failed(std::strerror(errno));
    struct stat info {};
    if (fstat(file.get(), &info) != 0)
        return failed(std::strerror(errno));
    if (!S_ISREG(info.st_mode))
        return failed("this is no file");
    if ((info.st_mode & 077) != 0)
        return failed(fmt::format("others than its owner may use it (mode {:04o}); chmod 600 would mend that",
            static_cast<unsigned>(info.st_mode & 07777)));
    std::string content(kMaxKeyFile, '\0');
    const ssize_t size = read(file.get(), content.data(), content.size());
    if (size < 0)
        return failed(std::strerror(errno));
    content.resize(static_cast<std::size_t>(size));
    return content;
}

std::expected<dkim::PrivateKey, std::string> read_key(const std::string& path) {
    const auto content = read_secret(path);
    if (!content)
        return std::unexpected(content.error());
    auto key = dkim::PrivateKey::parse(*content);
    if (!key)
        return std::unexpected(path + ": " + key.error());
    if (key->type() == dkim::KeyType::rsa && key->bits() < 1024)  // RFC 8301, 3.2
        return std::unexpected(fmt::format("{}: a key of {} bits is too short", path, key->bits()));
    return key;
}

}  // namespace

void KeyRing::load(const std::string& file) {
    if (!keys_.contains(file))
        keys_.emplace(file, read_key(file));
}

std::expected<dkim::PrivateKey, std::string> KeyRing::find(const std::string& file) const {
    const auto found = keys_.find(file);
    if (found == keys_.end())
        return std::unexpected(file +
                               ": the signer did not find this key in dkim_sign_table or dkim_extra_key_files when it "
                               "started");
    return found->second;
}

std::set<std::string> find_key_files(const config::List& tables, std::vector<std::string>& problems) {
    std::set<std::string> files;
    for (const std::string& spec : tables) {
        auto table = dict::Table::open(spec);
        if (!table) {
            problems.push_back(table.error().text);
            continue;
        }
        const auto entries = (*table)->list();
        if (!entries) {
            problems.push_back(entries.error().text + "; its keys must be in dkim_extra_key_files");
            continue;
        }
        for (const auto& [key, value] : *entries) {
            const auto entry = dkim::parse_sign_table_entry(value);
            if (!entry) {
                problems.push_back(spec + ": " + key + ": " + entry.error());
                continue;
            }
            for (const dkim::SignTableKey& one : entry->keys)
                files.insert(one.file);
        }
    }
    return files;
}

}  // namespace signer
