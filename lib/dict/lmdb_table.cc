// lmdb:NAME, also called hash: and btree:; the file is NAME.lmdb.
#include <cstring>

#include "lib/dict/folded_key.h"
#include "lib/dict/lmdb_file.h"
#include "lib/dict/table.h"
#include "lib/dict/watched_file.h"

namespace dict {
namespace {

class LmdbTable final : public Table {
  public:
    explicit LmdbTable(std::string path) : path_(std::move(path)) { refresh(); }

    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place* place) override {
        refresh();
        if (!file_)
            return std::unexpected(failure(reason_));
        FoldedKey folded(key, folds());
        auto found = file_->find(folded);
        if (!found)
            return std::unexpected(failure(found.error()));
        if (place != nullptr && *found)
            place->file = path_;
        return std::move(*found);
    }

    bool stale() const override { return file_ && watched_.changed(); }

    std::expected<std::vector<std::pair<std::string, std::string>>, Failure> list() override {
        refresh();
        if (!file_)
            return std::unexpected(failure(reason_));
        auto records = file_->list();
        if (!records)
            return std::unexpected(failure(records.error()));
        return std::move(*records);
    }

  private:
    // Follows a replaced file. Where the new one cannot be opened (from inside a chroot, say) the old one goes on
    // answering, and stale() tells.
    void refresh() {
        if (file_ && !watched_.changed())
            return;
        WatchedFile watched(path_);
        if (!watched.is_open()) {
            if (!file_)
                reason_ = "open " + path_ + ": " + std::strerror(watched.error());
            return;
        }
        auto fresh = LmdbFile::open(path_);
        if (!fresh) {
            reason_ = fresh.error();
            return;
        }
        file_.emplace(std::move(*fresh));
        watched_ = std::move(watched);
    }

    std::string path_;
    std::string reason_;
    std::optional<LmdbFile> file_;
    WatchedFile watched_;
};

}  // namespace

Opened open_lmdb(const std::string& name) {
    if (name.empty())
        return std::unexpected(Failure{"a file name is missing"});
    return std::make_unique<LmdbTable>(name.ends_with(".lmdb") ? name : name + ".lmdb");
}

}  // namespace dict
