#include "lib/queue/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "lib/queue/surgery.h"
#include "test/support/catch.h"
#include "test/unit/lib/queue/temp_spool.h"

using namespace queue;
using queue_test::sample_envelope;
using queue_test::TempSpool;
using queue_test::write_message;

TEST_CASE("a claim keeps others away, and ends with what it does", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    write_message(temp, "ABCDEF1", "x\r\n", sample_envelope("ABCDEF1"));
    auto first = spool.claim("ABCDEF1");
    REQUIRE(first);
    CHECK(first->message.envelope.mail.sender == "alice@example.test");
    CHECK(first->claim.content().value()->read(0, 10) == "x\r\n");
    const auto second = spool.claim("ABCDEF1");
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == Refusal::Kind::busy);
    const auto seen = spool.look("ABCDEF1", Verify::content_too);
    REQUIRE((seen && *seen));
    CHECK((*seen)->claimed);
    CHECK((*seen)->queue == QueueName::active);

    REQUIRE(first->claim.record(encode_status({0, Outcome::delivered, 5, "", "", "", "", {}})));
    REQUIRE(first->claim.record(encode_status({1, Outcome::deferred, 6, "4.2.0", "later", "", "", {}})));
    REQUIRE(first->claim.defer(1234567));
    CHECK(spool.find("ABCDEF1") == QueueName::deferred);
    first->claim.release();
    auto third = spool.claim("ABCDEF1");
    REQUIRE(third);
    REQUIRE(third->message.statuses.size() == 2);
    CHECK(third->message.statuses[1].text == "later");
    Scan scan = spool.scan(deferred_queues());
    const auto entries = scan.next(10);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].due == 1234567);

    REQUIRE(third->claim.hold());
    CHECK(spool.find("ABCDEF1") == QueueName::hold);
    CHECK(third->claim.content().value());
    REQUIRE(third->claim.remove());
    CHECK_FALSE(spool.find("ABCDEF1"));
    CHECK(spool.claim("ABCDEF1").error().kind == Refusal::Kind::gone);
    CHECK(spool.free_space().value() > 0);
}

TEST_CASE("a claim copes with what the administrator does", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    const Surgery surgery{spool};
    for (const char* id : {"ABCDEF1", "ABCDEF2", "ABCDEF3"})
        write_message(temp, id, "x\r\n", sample_envelope(id));
    auto removed = spool.claim("ABCDEF1"), held = spool.claim("ABCDEF2"), moved = spool.claim("ABCDEF3");
    REQUIRE((removed && held && moved));
    CHECK(surgery.remove(QueueName::incoming, "ABCDEF1").value());
    CHECK_FALSE(surgery.remove(QueueName::incoming, "ABCDEF1").value());
    CHECK_FALSE(removed->claim.content().value());
    CHECK(removed->claim.defer(1));
    CHECK(removed->claim.remove());

    CHECK(surgery.hold(QueueName::incoming, "ABCDEF2").value());
    CHECK_FALSE(surgery.hold(QueueName::hold, "ABCDEF2").value());
    CHECK_FALSE(held->claim.content().value());
    CHECK(held->claim.record(encode_status({0, Outcome::delivered, 5, "", "", "", "", {}})));
    CHECK(held->claim.defer(1));
    CHECK(spool.find("ABCDEF2") == QueueName::hold);  // the administrator's word counts
    CHECK(spool.look("ABCDEF2", Verify::envelope)->value().message.statuses.size() == 1);
    CHECK_FALSE(surgery.release("ABCDEF3").value());
    CHECK(surgery.release("ABCDEF2").value());
    CHECK(spool.find("ABCDEF2") == QueueName::deferred);

    CHECK(surgery.hold(QueueName::incoming, "ABCDEF3").value());
    CHECK(moved->claim.remove());  // delivered to all meanwhile: it goes from where it is now
    CHECK_FALSE(spool.find("ABCDEF3"));
}

TEST_CASE("a claim is handed over with its lock", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    const Envelope envelope = sample_envelope("ABCDEF1");
    auto writer = spool.create(QueueName::incoming, "ABCDEF1");
    REQUIRE(writer->append("content\r\n"));
    auto made = writer->commit(encode_envelope(envelope), envelope.mail.arrival_us, false);
    REQUIRE(made);
    Handover handover = std::move(*made).hand_over(encode_envelope(envelope));
    CHECK(spool.claim("ABCDEF1").error().kind == Refusal::Kind::busy);
    CHECK_FALSE(spool.accept(handover.record, event::Fd{}));
    auto renamed = handover.record;
    renamed.queue_id = "ABCDEF2";
    CHECK_FALSE(spool.accept(renamed, event::Fd{dup(handover.file.get())}));
    auto taken = spool.accept(handover.record, std::move(handover.file));
    REQUIRE(taken);
    CHECK(taken->message.envelope.recipients.size() == 2);
    CHECK(taken->claim.content().value()->read(0, 100) == "content\r\n");
    REQUIRE(taken->claim.record(encode_status({1, Outcome::delivered, 5, "", "", "", "", {}})));
    taken->claim.release();
    CHECK(spool.claim("ABCDEF1")->message.statuses.size() == 1);
}

TEST_CASE("what is damaged is set apart, what a crash left goes", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    for (const char* id : {"ABCDEF1", "ABCDEF2", "ABCDEF3"}) {
        const std::string path = write_message(temp, id, "content\r\n", sample_envelope(id));
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        if (id[6] == '1') {
            file.seekp(130);
            file.put('!');
        }
        if (id[6] == '2')
            std::filesystem::rename(path, temp.path() + "/incoming/ABCDEF9");
    }
    std::ofstream(temp.path() + "/incoming/ABCDEF4");
    CHECK(spool.claim("ABCDEF4").error().kind == Refusal::Kind::busy);  // its writer may come yet
    const timespec old[2] = {{1000, 0}, {1000, 0}};
    utimensat(AT_FDCWD, (temp.path() + "/incoming/ABCDEF4").c_str(), old, 0);
    const auto left = spool.claim("ABCDEF4");
    CHECK(left.error().kind == Refusal::Kind::removed);
    CHECK(left.error().text == "removed incoming/ABCDEF4, which was never finished and never acknowledged");
    const auto damaged = spool.claim("ABCDEF1");
    CHECK(damaged.error().kind == Refusal::Kind::set_apart);
    CHECK(damaged.error().text.starts_with("incoming/ABCDEF1 is damaged: "));
    CHECK(spool.find("ABCDEF1") == QueueName::corrupt);
    CHECK(spool.claim("ABCDEF9").error().kind == Refusal::Kind::set_apart);
    CHECK(spool.claim("ABCDEF3"));
}

TEST_CASE("the administrator's check", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    const Surgery surgery{spool};
    const std::string path = write_message(temp, "ABCDEF1", "x\r\n", sample_envelope("ABCDEF1"));
    std::filesystem::rename(path, temp.path() + "/incoming/ABCDEF9");
    std::ofstream(temp.path() + "/incoming/ABCDEF4");
    std::vector<std::string> said;
    Scan scan = spool.scan({QueueName::incoming});
    for (const Entry& entry : scan.next(10)) {
        if (const std::string text = surgery.check(entry); !text.empty())
            said.push_back(text);
        CHECK_FALSE(surgery.purge(entry));
    }
    CHECK(said == std::vector<std::string>{"incoming/ABCDEF9 renamed to incoming/ABCDEF1, as it says inside"});
    CHECK(spool.claim("ABCDEF1"));
    Entry stale;
    stale.queue = QueueName::incoming;
    stale.id = "ABCDEF4";
    stale.due = 1000;
    CHECK(surgery.purge(stale));
    CHECK(surgery.expire(QueueName::incoming, "ABCDEF1").value());
    CHECK(spool.claim("ABCDEF1")->message.expire);
    CHECK(surgery.requeue(QueueName::incoming, "ABCDEF1").value());
    CHECK_FALSE(surgery.requeue(QueueName::maildrop, "ABCDEF1").value());
    CHECK(spool.take_submission("ABCDEF1")->requeued);
}

TEST_CASE("submissions", "[queue]") {
    TempSpool temp;
    const Spool& spool = temp.spool();
    {
        auto unfinished = spool.create(QueueName::maildrop, "ABCDEF2");
        REQUIRE(unfinished->append("x"));
        CHECK(spool.take_submission("ABCDEF2").error().kind == Refusal::Kind::busy);
    }
    CHECK(spool.take_submission("ABCDEF2").error().kind == Refusal::Kind::gone);
    write_message(temp, "ABCDEF1", "x\r\n", sample_envelope("ABCDEF1"), QueueName::maildrop);
    const auto lock = spool.lock_submissions();
    REQUIRE(lock);
    CHECK_FALSE(spool.lock_submissions());
    const auto submission = spool.take_submission("ABCDEF1");
    REQUIRE(submission);
    CHECK_FALSE(submission->requeued);  // readable for the mail owner, whoever wrote it
    CHECK(submission->owner == geteuid());
    CHECK(submission->content.read(0, 10) == "x\r\n");
    std::filesystem::create_hard_link(temp.path() + "/maildrop/ABCDEF1", temp.path() + "/maildrop/ABCDEF3");
    CHECK(spool.take_submission("ABCDEF3").error().kind == Refusal::Kind::unreadable);
    REQUIRE(spool.remove_submission("ABCDEF1"));
    CHECK(spool.remove_submission("ABCDEF1"));
    CHECK(spool.take_submission("ABCDEF1").error().kind == Refusal::Kind::gone);
}

// Another user's rights, as long as it lives.
class AsNobody {
  public:
    AsNobody() { REQUIRE(seteuid(65534) == 0); }
    ~AsNobody() { static_cast<void>(seteuid(0)); }
};

TEST_CASE("a submission that cannot be read is named, unless it is being written", "[queue]") {
    if (geteuid() != 0)
        return;  // whose files would be closed to us?
    TempSpool temp;
    const Spool& spool = temp.spool();
    const std::string file = write_message(temp, "ABCDEF1", "x\r\n", sample_envelope("ABCDEF1"), QueueName::maildrop);
    for (const std::string& path : {temp.path(), temp.path() + "/maildrop"})
        REQUIRE(chmod(path.c_str(), 0755) == 0);
    REQUIRE(chmod(file.c_str(), 0600) == 0);
    const AsNobody nobody;
    CHECK(spool.take_submission("ABCDEF1").error().kind == Refusal::Kind::busy);
    {
        REQUIRE(seteuid(0) == 0);
        const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
        REQUIRE(utimensat(AT_FDCWD, file.c_str(), long_ago, 0) == 0);
        REQUIRE(seteuid(65534) == 0);
    }
    const auto closed = spool.take_submission("ABCDEF1");
    CHECK(closed.error().kind == Refusal::Kind::unreadable);
    CHECK(closed.error().text.find("maildrop/ABCDEF1") != std::string::npos);
    CHECK(closed.error().text.find("uid=0") != std::string::npos);
}

TEST_CASE("a submission that a power cut left unfinished goes, with a word", "[queue]") {
    TempSpool temp;
    const std::string path = temp.path() + "/maildrop/ABCDEF1";
    std::ofstream(path) << std::string(4096, '\0');
    CHECK(temp.spool().take_submission("ABCDEF1").error().kind == Refusal::Kind::busy);
    const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), long_ago, 0) == 0);
    const auto left = temp.spool().take_submission("ABCDEF1");
    CHECK(left.error().kind == Refusal::Kind::removed);
    CHECK(left.error().text.find("ABCDEF1") != std::string::npos);
}

TEST_CASE("queues have the names that people know", "[queue]") {
    for (const char* name : {"incoming", "active", "deferred", "hold", "corrupt", "maildrop"})
        CHECK(name_of(parse_queue_name(name).value()) == name);
    for (const char* name : {"", "Incoming", "saved", "incoming/"})
        CHECK_FALSE(parse_queue_name(name));
}

TEST_CASE("a scan comes in slices and sees only queue ids", "[queue]") {
    TempSpool temp;
    std::set<std::string> wanted;
    for (int i = 0; i < 25; ++i) {
        const std::string id = "ABCD" + std::to_string(100 + i);
        write_message(temp, id, "x\r\n", sample_envelope(id), i % 2 == 0 ? QueueName::incoming : QueueName::hold);
        wanted.insert(id);
    }
    std::ofstream(temp.path() + "/incoming/.queue-id") << "counter";
    std::ofstream(temp.path() + "/incoming/not a queue id") << "odd";
    std::filesystem::remove(temp.path() + "/active");
    Scan scan = temp.spool().scan({QueueName::active, QueueName::incoming, QueueName::hold});
    std::set<std::string> seen;
    for (auto slice = scan.next(7); !slice.empty(); slice = scan.next(7)) {
        CHECK(slice.size() <= 7);
        for (const Entry& entry : slice) {
            CHECK(entry.queue == slice.front().queue);
            seen.insert(entry.id);
        }
    }
    CHECK(seen == wanted);
    CHECK(scan.trouble());  // the folder that is not there
    CHECK_FALSE(scan.trouble());
}

TEST_CASE("links in the queue are not followed", "[queue]") {
    TempSpool temp;
    std::filesystem::create_symlink("/etc/passwd", temp.path() + "/incoming/ABCDEF9");
    CHECK(temp.spool().claim("ABCDEF9").error().kind == Refusal::Kind::unreadable);
    CHECK_FALSE(temp.spool().look("ABCDEF9", Verify::envelope)->has_value());
}
