// imapd/tools/sieve/desk_host.h - surroundings of a script that runs at the desk instead of at delivery.
//
// Failure     none; what is not there is not there.
// Trust       everything comes from whoever runs the command.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/sieve/host.h"

namespace sievec {

// Included scripts: NAME.sieve in a directory of its own for each location.
class DirectoryLoader final : public sieve::ScriptLoader {
  public:
    DirectoryLoader(std::filesystem::path personal, std::filesystem::path global)
        : personal_(std::move(personal)), global_(std::move(global)) {}

    std::optional<std::string> load(sieve::ScriptLocation location, std::string_view name) override;

  private:
    std::filesystem::path personal_;
    std::filesystem::path global_;
};

// Nothing if the file cannot be read.
std::optional<std::string> read_file(const std::filesystem::path& path);

class DeskHost : public sieve::Host {
  public:
    const sieve::Envelope& envelope() const override { return envelope_; }
    std::optional<std::string> environment(std::string_view item) const override;
    bool mailbox_exists(std::string_view mailbox) override { return mailboxes.contains(canonical(mailbox)); }
    bool mailbox_id_exists(std::string_view) override { return false; }
    bool special_use_exists(std::optional<std::string_view>, std::span<const std::string>) override { return false; }
    std::optional<std::string> metadata(std::optional<std::string_view> mailbox, std::string_view annotation) override;
    bool is_external_list(std::string_view name) override { return lists.contains(std::string(name)); }
    bool in_external_list(std::string_view, std::string_view) override { return false; }
    bool seen_recently(std::string_view id) override { return duplicates.contains(std::string(id)); }
    std::int64_t now() const override;
    int zone_minutes() const override;
    std::vector<std::string> message_flags() const override { return flags; }

    // INBOX in any case is one mailbox.
    static std::string canonical(std::string_view mailbox);

    sieve::Envelope envelope_;
    std::string test_folder;  // of the test script that runs
    std::set<std::string> mailboxes = {"INBOX"};
    std::set<std::string> lists;  // external lists, by full name
    std::set<std::string> duplicates;
    std::map<std::pair<std::string, std::string>, std::string> annotations;  // mailbox ("" for the server) and name
    std::vector<std::string> flags;
};

}  // namespace sievec
