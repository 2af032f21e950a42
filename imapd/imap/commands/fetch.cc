// FETCH and UID FETCH.

#include <algorithm>

#include "imapd/imap/command_table.h"
#include "imapd/imap/fetch_body.h"
#include "lib/imap/fetch.h"
#include "lib/imap/format.h"
#include "lib/message/date.h"
#include "lib/text/append.h"

namespace imapd {
namespace {

using imap::FetchItem;
using Kind = FetchItem::Kind;

// The section that an RFC822 item stands for.
imap::Section section_of(const FetchItem& item) {
    imap::Section section = item.section;
    if (item.kind == Kind::rfc822_header)
        section.kind = imap::Section::Kind::header;
    else if (item.kind == Kind::rfc822_text)
        section.kind = imap::Section::Kind::text;
    return section;
}

bool is_text(const FetchItem& item) {
    return item.kind == Kind::section || item.kind == Kind::rfc822 || item.kind == Kind::rfc822_header ||
           item.kind == Kind::rfc822_text;
}

class Fetcher {
  public:
    Fetcher(Session& session, std::vector<FetchItem> items)
        : session_(session), selected_(session.selected()), items_(std::move(items)) {
        for (const FetchItem& item : items_) {
            names_.push_back(imap::format_item_name(item));
            sections_.push_back(section_of(item));
            if (!is_text(item))
                continue;
            if (imap::Section section = section_of(item); needs_header_only(section))
                needs_header_ = true;
            else
                needs_whole_ = true;
        }
    }

    bool marks_seen() const {
        return std::any_of(items_.begin(), items_.end(), [](const FetchItem& item) { return item.marks_seen(); });
    }

    // One response. Everything that can fail is done before its first octet is written.
    store::Result<void> fetch(std::uint32_t number, bool show_flags) {
        const store::Message& message = selected_.list()[number - 1];
        std::string_view text;
        store::Content header;
        const message::Structure* structure = nullptr;
        if (needs_whole_) {
            auto opened = session_.open_message(message.uid);
            if (!opened)
                return std::unexpected(opened.error());
            text = (*opened)->content.text();
            structure = &session_.structure_of(**opened);
        } else if (needs_header_) {
            auto read = selected_.mailbox().header(message.uid);
            if (!read)
                return std::unexpected(read.error());
            header = std::move(*read);
            text = header.text();
        }
        line_.clear();
        text::append(line_, "* {} FETCH (", number);
        bool first = true;
        std::vector<SectionText> texts;
        if (show_flags) {
            line_ += "FLAGS " + selected_.flags_of(message);
            first = false;
        }
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (is_text(items_[i])) {
                texts.push_back(find_section(text, structure, sections_[i]));
                continue;
            }
            if (show_flags && items_[i].kind == Kind::flags)
                continue;
            if (!first)
                line_ += ' ';
            first = false;
            line_ += names_[i];
            line_ += ' ';
            if (auto added = add_value(items_[i], message); !added)
                return added;
        }
        write(texts, first);
        return {};
    }

  private:
    using Added = store::Result<void>;

    // What a client hears for each item that is not text of the message.
    Added add_value(const FetchItem& item, const store::Message& message) {
        struct Value {
            Kind kind;
            Added (Fetcher::*add)(const store::Message&);
        };
        static constexpr Value kValues[] = {
            {Kind::flags, &Fetcher::add_flags},
            {Kind::uid, &Fetcher::add_uid},
            {Kind::internal_date, &Fetcher::add_date},
            {Kind::size, &Fetcher::add_size},
            {Kind::envelope, &Fetcher::add_envelope},
            {Kind::body, &Fetcher::add_body},
            {Kind::body_structure, &Fetcher::add_body_structure},
        };
        for (const Value& row : kValues) {
            if (row.kind == item.kind)
                return (this->*row.add)(message);
        }
        return {};
    }

    Added add_flags(const store::Message& message) {
        line_ += selected_.flags_of(message);
        return {};
    }

    Added add_uid(const store::Message& message) {
        imap::append_number(line_, message.uid);
        return {};
    }

    Added add_date(const store::Message& message) {
        auto date = selected_.mailbox().internal_date(message.uid);
        if (!date)
            return std::unexpected(date.error());
        line_ += "\"" + message::format_internal_date(*date) + "\"";
        return {};
    }

    Added add_size(const store::Message& message) {
        auto size = selected_.mailbox().virtual_size(message.uid);
        if (!size)
            return std::unexpected(size.error());
        imap::append_number(line_, *size);
        return {};
    }

    Added add_envelope(const store::Message& message) { return add_answer(message.uid, store::Answer::envelope); }
    Added add_body(const store::Message& message) { return add_answer(message.uid, store::Answer::body); }
    Added add_body_structure(const store::Message& message) {
        return add_answer(message.uid, store::Answer::body_structure);
    }

    Added add_answer(std::uint32_t uid, store::Answer which) {
        auto answer = selected_.mailbox().answer(uid, which);
        if (!answer)
            return std::unexpected(answer.error());
        line_ += *answer;
        return {};
    }

    void write(const std::vector<SectionText>& texts, bool first) {
        sessions::Wire& wire = session_.wire();
        wire.write(line_);
        std::size_t next = 0;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (!is_text(items_[i]))
                continue;
            const SectionText& section = texts[next++];
            wire.write(first ? names_[i] + " " : " " + names_[i] + " ");
            first = false;
            if (section.exists)
                write_literal(wire, section, items_[i].partial);
            else
                wire.write("NIL");
        }
        wire.write(")\r\n");
    }

    Session& session_;
    Selected& selected_;
    std::vector<FetchItem> items_;
    std::vector<std::string> names_;
    std::vector<imap::Section> sections_;
    std::string line_;
    bool needs_header_ = false;
    bool needs_whole_ = false;
};

// BODY[] and its like set \Seen: for all messages at once, before the first is sent.
store::Result<std::vector<std::uint32_t>> mark_seen(Selected& selected, const std::vector<std::uint32_t>& numbers) {
    std::vector<std::uint32_t> uids;
    for (std::uint32_t number : numbers) {
        const store::Message& message = selected.list()[number - 1];
        if (!(message.flags & store::kSeen))
            uids.push_back(message.uid);
    }
    if (uids.empty())
        return uids;
    store::Modseq before = selected.mailbox().highest_modseq();
    auto changed = selected.mailbox().change_flags(uids, store::FlagChange::add, store::kSeen, {});
    if (!changed)
        return std::unexpected(changed.error());
    selected.adopt(*changed, before);
    return uids;
}

}  // namespace

Reply command_fetch(Session& session, const imap::Command& command) {
    imap::Cursor cursor(command.args);
    imap::SequenceSet set = imap::parse_sequence_set(cursor.until(" "));
    cursor.space();
    std::vector<FetchItem> items = imap::parse_fetch_items(cursor, session.extensions());
    cursor.end();
    Selected& selected = session.selected();
    bool by_uid = command.name.starts_with("UID ");
    if (by_uid) {  // RFC 3501, 6.4.8: the UID is always there
        FetchItem uid;
        uid.kind = Kind::uid;
        if (std::find(items.begin(), items.end(), uid) == items.end())
            items.insert(items.begin(), uid);
    } else if (set.exceeds(static_cast<std::uint32_t>(selected.list().size()))) {
        return Reply::bad("No message has such a number");
    }
    std::vector<std::uint32_t> numbers = selected.numbers(set, by_uid);
    Fetcher fetcher(session, std::move(items));
    std::vector<std::uint32_t> newly_seen;
    if (fetcher.marks_seen() && !selected.read_only()) {
        auto marked = mark_seen(selected, numbers);
        if (!marked)
            return Reply::of(marked.error());
        newly_seen = std::move(*marked);
    }
    bool some_gone = false;
    for (std::uint32_t number : numbers) {
        std::uint32_t uid = selected.list()[number - 1].uid;
        bool show_flags = std::binary_search(newly_seen.begin(), newly_seen.end(), uid);
        store::Result<void> fetched = fetcher.fetch(number, show_flags);
        if (fetched)
            continue;
        if (fetched.error().kind != store::Failure::Kind::not_found)
            return Reply::of(fetched.error());
        some_gone = true;
    }
    if (some_gone)
        return Reply::no("[EXPUNGEISSUED] Some of the messages are gone");
    return Reply::ok("Fetched");
}

}  // namespace imapd
