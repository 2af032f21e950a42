#include "imapd/imap/session.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "imapd/imap/command_table.h"
#include "lib/store/delivery.h"
#include "test/support/catch.h"
#include "test/unit/lib/store/memory_account.h"

using namespace imapd;
using sessions::Wire;
namespace fs = std::filesystem;

namespace {

// A session on one end of a socketpair; the test is the client at the other.
class Client {
  public:
    Client(const std::string& root, std::string early_input = "", const char* withdrawn = "")
        : Client(*store::open_account({root, '.'}), early_input, withdrawn) {}
    explicit Client(std::shared_ptr<store::Account> account, std::string early_input = "", const char* withdrawn = "") {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        mine_ = event::Fd(ends[0]);
        settings_.idle_notify_interval = std::chrono::seconds(60);
        settings_.special_use = {{"Sent", "\\Sent"}};
        settings_.extensions.withdraw(withdrawn);
        thread_ = std::thread([this, end = ends[1], account, early_input] {
            Wire wire(event::Fd(end), early_input, std::chrono::seconds(20), std::chrono::seconds(20));
            Session(wire, account, settings_).run("l");
        });
        greeting_ = until("l OK");
    }
    ~Client() {
        mine_.reset();
        thread_.join();
    }

    // Everything up to and including the line that starts so.
    std::string until(const std::string& start) {
        for (;;) {
            std::size_t at = received_.rfind("\r\n" + start, received_.size());
            bool first = received_.starts_with(start);
            std::size_t line = first ? 0 : at == std::string::npos ? at : at + 2;
            std::size_t end = line == std::string::npos ? line : received_.find("\r\n", line);
            if (end != std::string::npos) {
                std::string text = received_.substr(0, end + 2);
                received_.erase(0, end + 2);
                return text;
            }
            pollfd ready{mine_.get(), POLLIN, 0};
            char buffer[65536];
            ssize_t n = poll(&ready, 1, 10000) > 0 ? read(mine_.get(), buffer, sizeof buffer) : 0;
            if (n <= 0)
                return received_ + "(end)";
            received_.append(buffer, static_cast<std::size_t>(n));
        }
    }

    void send(const std::string& text) { REQUIRE(write(mine_.get(), text.data(), text.size()) == ssize_t(text.size())); }

    // Sends a command and gives all that is said up to its tagged reply.
    std::string run(const std::string& command) {
        send("t " + command + "\r\n");
        return until("t ");
    }

    const std::string& greeting() const { return greeting_; }

  private:
    event::Fd mine_;
    SessionSettings settings_;
    std::thread thread_;
    std::string received_;
    std::string greeting_;
};

struct Mail {
    Mail() {
        char name[] = "/tmp/imapd_test.XXXXXX";
        directory = mkdtemp(name);
        root = directory + "/mail";
    }
    ~Mail() { fs::remove_all(directory); }
    void deliver(const std::string& text) const {
        auto delivery = store::begin_delivery({root, '.'}, "INBOX");
        REQUIRE(delivery);
        REQUIRE((*delivery)->write(text));
        REQUIRE((*delivery)->commit({}));
    }
    std::string directory, root;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string kMessage =
    "From: Alice <alice@example.test>\r\nSubject: hello\r\nDate: Sat, 24 Mar 2007 23:00:00 "
    "+0200\r\n\r\nbody one\r\n";

}  // namespace

TEST_CASE("a session answers the login, and what was sent with it", "[imapd]") {
    Mail mail;
    Client c(mail.root, "x NOOP\r\n");
    CHECK(has(c.greeting(), "l OK [CAPABILITY IMAP4rev1 "));
    CHECK(c.until("x ") == "x OK Nothing done\r\n");
    CHECK(has(c.run("LOGOUT"), "* BYE"));
}

TEST_CASE("select, fetch, store, expunge", "[imapd][rfc3501:6]") {
    Mail mail;
    mail.deliver(kMessage);
    mail.deliver("Subject: two\n\nlf body\n");
    Client c(mail.root);
    std::string selected = c.run("SELECT inbox");
    CHECK(has(selected, "* 2 EXISTS\r\n"));
    CHECK(has(selected, "* 2 RECENT\r\n"));
    CHECK(has(selected, "[UNSEEN 1]"));
    CHECK(has(selected, "t OK [READ-WRITE]"));
    CHECK(has(c.run("FETCH 1 (FLAGS UID RFC822.SIZE)"),
        "* 1 FETCH (FLAGS (\\Recent) UID 1 RFC822.SIZE " + std::to_string(kMessage.size()) + ")\r\n"));
    CHECK(has(c.run("FETCH 2 BODY.PEEK[]"), "{25}\r\nSubject: two\r\n\r\nlf body\r\n)"));
    CHECK(has(c.run("FETCH 2 BODY.PEEK[TEXT]<3.4>"), "BODY[TEXT]<3> {4}\r\nbody)"));
    CHECK(has(c.run("FETCH 2 BODY.PEEK[TEXT]<7.9>"), "<7> {2}\r\n\r\n)"));
    CHECK(has(c.run("FETCH 2 BODY.PEEK[TEXT]<4294967295.1>"), "{0}\r\n)"));
    CHECK(has(c.run("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT X)]"),
        "BODY[HEADER.FIELDS (SUBJECT X)] {18}\r\nSubject: hello\r\n\r\n)"));
    CHECK(has(c.run("FETCH 1 ENVELOPE"), R"(("Sat, 24 Mar 2007 23:00:00 +0200" "hello" (("Alice" NIL "alice")"));
    CHECK(has(c.run("FETCH 1 BODY[1]"), "FLAGS (\\Seen \\Recent) BODY[1] {10}\r\nbody one\r\n)"));
    CHECK(has(c.run("FETCH 1 BODY[2]"), "BODY[2] NIL)"));
    CHECK(has(c.run("STORE 2 +FLAGS (\\Deleted work)"), "* 2 FETCH (FLAGS (\\Deleted work \\Recent))"));
    CHECK(has(c.run("UID STORE 1 -FLAGS.SILENT (\\Seen)"), "t OK"));
    CHECK(has(c.run("SEARCH KEYWORD work"), "* SEARCH 2\r\n"));
    CHECK(has(c.run("EXPUNGE"), "* 2 EXPUNGE\r\nt OK"));
    CHECK(has(c.run("FETCH 2 FLAGS"), "t BAD"));
    CHECK(has(c.run("UID FETCH 4294967295:1 UID"), "* 1 FETCH (UID 1)"));
    CHECK(c.run("CLOSE") == "t OK Closed\r\n");
    CHECK(has(c.run("FETCH 1 FLAGS"), "t BAD No mailbox is selected"));
}

TEST_CASE("APPEND goes through with both kinds of literal, and nothing of a refused one is run", "[imapd]") {
    Mail mail;
    Client c(mail.root);
    c.send("a APPEND INBOX (\\Seen) \"24-Mar-2007 23:00:00 +0200\" {" + std::to_string(kMessage.size()) + "}\r\n");
    CHECK(c.until("+ ") == "+ OK\r\n");
    c.send(kMessage + "\r\n");
    CHECK(has(c.until("a "), "a OK [APPENDUID "));
    c.send("b APPEND INBOX {3+}\r\nx\r\n\r\n");
    CHECK(has(c.until("b "), "b OK [APPENDUID "));
    // E4
    c.send("c APPEND none {17+}\r\nd DELETE INBOX\r\nx\r\nd NOOP\r\n");
    std::string refused = c.until("d ");
    CHECK(has(refused, "c NO [TRYCREATE]"));
    CHECK(has(refused, "d OK Nothing done"));
    CHECK(has(c.run("APPEND none {17}"), "t NO [TRYCREATE]"));
    c.send("e APPEND INBOX {3+}\r\nabc {3+}\r\ndef\r\n");
    CHECK(has(c.until("e "), "e BAD"));
    c.send("f APPEND INBOX \"99-Foo-9999 99:99:99 +9999\" {3+}\r\nabc\r\n");
    CHECK(has(c.until("f "), "f BAD Invalid date"));
    CHECK(has(c.run("STATUS INBOX (MESSAGES UNSEEN)"), "* STATUS INBOX (MESSAGES 2 UNSEEN 1)"));
    CHECK(has(c.run("SELECT INBOX"), "* 2 EXISTS"));
    CHECK(has(c.run("FETCH 1 (FLAGS BODY.PEEK[])"), kMessage));
    CHECK(has(c.run("SEARCH SENTON 24-Mar-2007 SUBJECT HELLO"), "* SEARCH 1\r\n"));
}

TEST_CASE("E2, E3, E6, E7: commands that are too much", "[imapd]") {
    Mail mail;
    {
        Client c(mail.root);
        c.send("a STATUS {2000000+}\r\n" + std::string(2000000, 'x') + " (MESSAGES)\r\nb NOOP\r\n");
        CHECK(has(c.until("b "), "a NO [TOOBIG]"));
        CHECK(has(c.run("STATUS {2000000}"), "t NO [TOOBIG]"));
        CHECK(has(c.run("STATUS {18446744073709551616}"), "* BYE"));
    }
    {
        Client c(mail.root);
        c.send("a " + std::string(200000, 'x'));
        CHECK(has(c.until("* BYE"), "* BYE [TOOBIG]"));
    }
    {
        Client c(mail.root);
        for (const char* tag : {"*", "+"}) {
            c.send(std::string(tag) + " NOOP\r\n");
            CHECK(has(c.until("* BAD"), "* BAD"));
        }
        c.send("a)b NOOP\r\n");
        CHECK(has(c.until("a "), "a BAD"));
        CHECK(has(c.run("FETCH"), "t BAD"));
        CHECK(has(c.run("NONSENSE"), "t BAD Unknown command"));
    }
}

TEST_CASE("E19: two sessions see the same mailbox, and numbers do not shift under a FETCH", "[imapd]") {
    Mail mail;
    mail.deliver(kMessage);
    mail.deliver(kMessage);
    mail.deliver(kMessage);
    Client one(mail.root), two(mail.root);
    one.run("SELECT INBOX");
    CHECK(has(two.run("SELECT INBOX"), "* 0 RECENT"));
    one.run("STORE 1:2 +FLAGS (\\Deleted \\Seen)");
    CHECK(has(two.run("NOOP"), "* 1 FETCH (UID 1 FLAGS (\\Deleted \\Seen))"));
    CHECK(has(one.run("EXPUNGE"), "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"));
    std::string fetched = two.run("FETCH 1:3 (UID BODY.PEEK[TEXT])");
    CHECK(has(fetched, "* 3 FETCH (UID 3 BODY[TEXT]"));
    CHECK_FALSE(has(fetched, "EXPUNGE\r\n"));
    CHECK(has(fetched, "t NO [EXPUNGEISSUED]"));
    CHECK(has(two.run("NOOP"), "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"));
    CHECK(has(two.run("FETCH 1 UID"), "* 1 FETCH (UID 3)"));
    one.run("CREATE x");
    two.run("SELECT x");
    one.run("DELETE x");
    CHECK(has(two.run("NOOP"), "* BYE The selected mailbox was deleted"));
}

TEST_CASE("IDLE tells of deliveries and flags at once", "[imapd][rfc2177]") {
    Mail mail;
    mail.deliver(kMessage);
    Client one(mail.root), two(mail.root);
    one.run("SELECT INBOX");
    two.run("SELECT INBOX");
    one.send("i IDLE\r\n");
    one.until("+ ");
    two.run("STORE 1 +FLAGS (\\Flagged)");
    CHECK(has(one.until("* 1 FETCH"), "FLAGS (\\Flagged \\Recent)"));
    mail.deliver(kMessage);
    CHECK(has(one.until("* 2 EXISTS"), "* 2 EXISTS"));
    one.send("DONE\r\n");
    CHECK(has(one.until("i "), "i OK"));
    one.send("j IDLE\r\nrubbish\r\n");
    CHECK(has(one.until("j "), "j BAD"));
}

TEST_CASE("copy and move tell where the messages went", "[imapd][rfc4315][rfc6851]") {
    Mail mail;
    for (int i = 0; i < 4; ++i)
        mail.deliver(kMessage);
    Client c(mail.root);
    c.run("SELECT INBOX");
    CHECK(has(c.run("COPY 1:2 none"), "t NO [TRYCREATE]"));
    CHECK(has(c.run("CREATE Box"), "t OK"));
    std::string copied = c.run("COPY 1:2,4 Box");
    CHECK(has(copied, " 1:2,4 1:3] Copied"));
    std::string moved = c.run("UID MOVE 2:3 Box");
    CHECK(has(moved, " 2:3 4:5] Moved\r\n* 2 EXPUNGE\r\n* 2 EXPUNGE\r\nt OK"));
    CHECK(has(c.run("STATUS Box (MESSAGES UIDNEXT)"), "(MESSAGES 5 UIDNEXT 6)"));
}

TEST_CASE("LIST, LSUB, NAMESPACE and their like", "[imapd]") {
    Mail mail;
    Client c(mail.root);
    CHECK(has(c.run("LIST \"\" \"\""), "* LIST (\\Noselect) \".\" \"\""));
    CHECK(has(c.run("CREATE Sent"), "t OK"));
    CHECK(has(c.run("CREATE a.b.c"), "t OK"));
    CHECK(has(c.run("CREATE a.b.c"), "t NO [ALREADYEXISTS]"));
    CHECK(has(c.run("CREATE ../../x"), "t NO [CANNOT]"));
    std::string all = c.run("LIST \"\" *");
    CHECK(has(all, "* LIST (\\HasNoChildren) \".\" INBOX\r\n"));
    CHECK(has(all, "* LIST (\\HasNoChildren \\Sent) \".\" Sent\r\n"));
    CHECK(has(all, "* LIST (\\Noselect \\HasChildren) \".\" a.b\r\n"));
    CHECK(has(c.run("LIST \"\" iNb%"), "INBOX"));
    CHECK(has(c.run("LIST a. %"), "* LIST (\\Noselect \\HasChildren) \".\" a.b\r\nt OK"));
    CHECK(has(c.run("SUBSCRIBE a.b.c"), "t OK"));
    CHECK(has(c.run("LSUB \"\" %"), "* LSUB (\\Noselect) \".\" a\r\n"));
    CHECK(has(c.run("LSUB \"\" *"), "* LSUB () \".\" a.b.c\r\nt OK"));
    CHECK(has(c.run("NAMESPACE"), "* NAMESPACE ((\"\" \".\")) NIL NIL"));
    CHECK(has(c.run("ID (\"name\" \"x\")"), "* ID (\"name\" \"Malleposte\")"));
    CHECK(has(c.run("SELECT nowhere"), "t NO [NONEXISTENT]"));
    CHECK(has(c.run("RENAME a.b.c Z"), "t OK"));
    CHECK(has(c.run("DELETE Z"), "t OK"));
    CHECK(has(c.run("DELETE INBOX"), "t NO [CANNOT]"));
    CHECK(has(c.run("SEARCH ALL"), "t BAD"));
}

TEST_CASE("SEARCH reads encoded text, in the client's charset", "[imapd][rfc3501:6.4.4]") {
    Mail mail;
    mail.deliver(
        "Subject: =?iso-8859-1?Q?caf=E9?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nna=EFve\r\n");
    mail.deliver(kMessage);
    Client c(mail.root);
    c.run("SELECT INBOX");
    c.send("a SEARCH CHARSET UTF-8 SUBJECT {5+}\r\nCAF\xC3\x89\r\n");
    CHECK(has(c.until("a "), "* SEARCH 1\r\n"));
    c.send("b SEARCH CHARSET ISO-8859-1 BODY {5+}\r\nNA\xCFVE\r\n");
    CHECK(has(c.until("b "), "* SEARCH 1\r\n"));
    CHECK(has(c.run("SEARCH CHARSET NONE ALL"), "t NO [BADCHARSET"));
    CHECK(has(c.run("SEARCH TEXT alice OR UID 1 2"), "* SEARCH 2\r\n"));
    CHECK(has(c.run("UID SEARCH NOT (UNSEEN SUBJECT hello)"), "* SEARCH 1\r\n"));
}

TEST_CASE("the commands of the table are those of the extensions", "[imapd]") {
    std::set<std::string_view> known, brought;
    for (const CommandRow& row : commands())
        known.insert(row.name);
    for (std::string_view word : imap::words_of(imap::Place::command))
        brought.insert(word);
    CHECK(known == brought);
}

TEST_CASE("an extension that is not offered takes everything along that it brings", "[imapd]") {
    Mail mail;
    for (int i = 0; i < 2; ++i)
        mail.deliver(kMessage);
    {
        Client c(mail.root, "", "UIDPLUS");
        CHECK_FALSE(has(c.greeting(), "UIDPLUS"));
        CHECK_FALSE(has(c.run("CAPABILITY"), "UIDPLUS"));
        c.run("SELECT INBOX");
        CHECK(has(c.run("UID EXPUNGE 1"), "t BAD Unknown command"));
        CHECK(c.run("COPY 1 INBOX").ends_with("t OK Copied\r\n"));
        CHECK(has(c.run("MOVE 1 INBOX"), "* OK Moved\r\n"));
        c.send("a APPEND INBOX {3+}\r\nx\r\n\r\n");
        CHECK(c.until("a ").ends_with("a OK Appended\r\n"));
    }
    {
        Client c(mail.root, "", "CHILDREN");
        CHECK(has(c.run("LIST \"\" *"), "* LIST () \".\" INBOX\r\n"));
    }
    {
        Client c(mail.root, "", "MOVE");
        c.run("SELECT INBOX");
        CHECK(has(c.run("MOVE 1 INBOX"), "t BAD Unknown command"));
        CHECK(has(c.run("UID MOVE 1 INBOX"), "t BAD Unknown command"));
        CHECK(has(c.run("COPY 1 INBOX"), "t OK [COPYUID "));
    }
}

TEST_CASE("ENABLE passes over what it does not know", "[imapd][rfc5161]") {
    Mail mail;
    Client c(mail.root);
    CHECK(has(c.greeting(), " ENABLE "));
    CHECK(c.run("ENABLE X-NONSENSE IDLE") == "* ENABLED\r\nt OK Enabled\r\n");
    CHECK(has(c.run("ENABLE"), "t BAD"));
    CHECK(has(c.run("ENABLE ("), "t BAD"));
    CHECK(has(c.run("SELECT INBOX (CONDSTORE)"), "t BAD Unknown parameter"));
    CHECK(has(c.run("SELECT INBOX"), "t OK"));
}

TEST_CASE("sizes and offsets have 63 bits", "[imapd][rfc9051:9]") {
    Mail mail;
    mail.deliver(kMessage);
    Client c(mail.root);
    c.run("SELECT INBOX");
    CHECK(has(c.run("FETCH 1 BODY.PEEK[]<5000000000.9223372036854775807>"), "BODY[]<5000000000> {0}\r\n)"));
    CHECK(has(c.run("FETCH 1 BODY.PEEK[]<0.9223372036854775807>"), kMessage));
    CHECK(has(c.run("FETCH 1 BODY.PEEK[]<9223372036854775808.1>"), "t BAD"));
    CHECK(has(c.run("SEARCH SMALLER 5000000000"), "* SEARCH 1\r\n"));
    CHECK(has(c.run("SEARCH LARGER 9223372036854775807"), "* SEARCH\r\n"));
    CHECK(has(c.run("SEARCH LARGER 9223372036854775808"), "t BAD"));
    CHECK(has(c.run("APPEND INBOX {5000000000}"), "t NO [TOOBIG]"));
    CHECK(has(c.run("NOOP"), "t OK"));
    c.send("a APPEND INBOX {9223372036854775807+}\r\n");
    CHECK(has(c.until("* BYE"), "* BYE [TOOBIG]"));
}

TEST_CASE("STATUS tells the size of a mailbox", "[imapd][rfc8438]") {
    Mail mail;
    Client c(mail.root);
    CHECK(has(c.greeting(), " STATUS=SIZE"));
    CHECK(has(c.run("STATUS INBOX (SIZE)"), "* STATUS INBOX (SIZE 0)\r\n"));
    mail.deliver(kMessage);
    mail.deliver("Subject: two\n\nlf body\n");  // 22 octets, 25 as IMAP counts them
    {
        std::ofstream foreign(mail.root + "/new/9999999999.foreign", std::ios::binary);  // a name that tells no size
        foreign << "a\nb\n";
    }
    std::string size = std::to_string(kMessage.size() + 25 + 6);
    CHECK(has(c.run("STATUS INBOX (size MESSAGES)"), "* STATUS INBOX (SIZE " + size + " MESSAGES 3)\r\n"));
    c.run("SELECT INBOX");
    c.run("STORE 1 +FLAGS (\\Deleted)");
    c.run("EXPUNGE");
    CHECK(has(c.run("STATUS INBOX (SIZE)"), "(SIZE 31)"));
    Client without(mail.root, "", "STATUS=SIZE");
    CHECK_FALSE(has(without.greeting(), "STATUS=SIZE"));
    CHECK(has(without.run("STATUS INBOX (SIZE)"), "t BAD Unknown STATUS item"));
}

TEST_CASE("a session serves mail of any kind of storage", "[imapd]") {
    Client c(std::make_shared<store_test::MemoryAccount>());
    c.send("a APPEND INBOX (\\Seen work) {" + std::to_string(kMessage.size()) + "+}\r\n" + kMessage + "\r\n");
    CHECK(has(c.until("a "), "a OK [APPENDUID 1 1] Appended"));
    CHECK(has(c.run("CREATE x/y"), "t OK"));
    CHECK(has(c.run("LIST \"\" *"), "* LIST (\\HasNoChildren) \"/\" x/y\r\n"));
    CHECK(has(c.run("SELECT INBOX"), "* 1 EXISTS\r\n"));
    CHECK(has(c.run("FETCH 1 (FLAGS RFC822.SIZE ENVELOPE BODY.PEEK[TEXT])"), "body one\r\n)"));
    CHECK(has(c.run("STORE 1 +FLAGS (\\Flagged)"), "* 1 FETCH (FLAGS (\\Flagged \\Seen work \\Recent))"));
    CHECK(has(c.run("SEARCH KEYWORD work SUBJECT hello"), "* SEARCH 1\r\n"));
    CHECK(has(c.run("COPY 1 x/y"), "t OK [COPYUID 2 1 1] Copied"));
    CHECK(has(c.run("MOVE 1 x/y"), "* 1 EXPUNGE\r\n"));
    CHECK(has(c.run("STATUS x/y (MESSAGES UNSEEN SIZE)"),
        "(MESSAGES 2 UNSEEN 0 SIZE " + std::to_string(2 * kMessage.size()) + ")"));
    CHECK(has(c.run("SUBSCRIBE x/y"), "t OK"));
    CHECK(has(c.run("LSUB \"\" *"), "* LSUB () \"/\" x/y\r\n"));
    CHECK(has(c.run("RENAME x/y z"), "t OK"));
    CHECK(has(c.run("DELETE z"), "t OK"));
    CHECK(has(c.run("LOGOUT"), "* BYE"));
}
