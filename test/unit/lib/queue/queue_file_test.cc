#include "lib/queue/queue_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "lib/queue/crc32c.h"
#include "lib/queue/files.h"
#include "test/support/catch.h"
#include "test/unit/lib/queue/temp_spool.h"

using namespace queue;
using queue_test::sample_envelope;
using queue_test::TempSpool;
using queue_test::write_message;

namespace {

std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void spit(const std::string& path, const std::string& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

event::Fd open_file(const std::string& path) { return event::Fd{open(path.c_str(), O_RDWR | O_CLOEXEC)}; }

std::string content_of(int file, const Layout& layout) {
    std::string bytes(layout.content_length, '\0');
    CHECK(pread(file, bytes.data(), bytes.size(), static_cast<off_t>(layout.content_offset)) ==
          static_cast<ssize_t>(bytes.size()));
    return bytes;
}

constexpr std::string_view kContent = "Subject: hello\r\n\r\nMPQ\r\n\x1a body\r\n";

}  // namespace

TEST_CASE("crc32c of both kinds", "[queue]") {
    CHECK(crc32c("123456789") == 0xE3069283);  // the check value of the CRC catalogue
    CHECK(crc32c_by_table("123456789") == 0xE3069283);
    CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
    CHECK(crc32c_join(crc32c("12345"), crc32c("6789"), 4) == crc32c("123456789"));
    CHECK(crc32c_join(crc32c("12345"), crc32c(""), 0) == crc32c("12345"));
    const std::string much(1'000'003, 'x');
    CHECK(crc32c_join(crc32c("abc"), crc32c(much), much.size()) == crc32c("abc" + much));
}

TEST_CASE("a message survives writing and reading", "[queue]") {
    TempSpool temp;
    const Envelope envelope = sample_envelope("ABCDEF1");
    const std::string path = write_message(temp, "ABCDEF1", kContent, envelope);
    const event::Fd file = open_file(path);
    const auto message = read_message(file.get(), Verify::content_too);
    REQUIRE(message);
    CHECK(content_of(file.get(), message->layout) == kContent);
    CHECK(message->envelope.mail.sender == envelope.mail.sender);
    CHECK(message->envelope.mail.client.address == "192.0.2.7");
    REQUIRE(message->envelope.recipients.size() == 2);
    CHECK(message->envelope.recipients[0].original == "Bob@example.test");
    CHECK(message->envelope.recipients[0].notify == 6);
    CHECK(message->envelope.recipients[1].given() == "carol@example.test");
    CHECK(message->layout.arrival_us == envelope.mail.arrival_us);
    CHECK_FALSE(message->torn);
}

TEST_CASE("a large message is streamed", "[queue]") {
    TempSpool temp;
    std::string content;
    while (content.size() < 3'000'000)
        content += "line " + std::to_string(content.size()) + "\r\n";
    auto writer = temp.spool().create(QueueName::incoming, "LARGE1");
    REQUIRE(writer);
    for (std::size_t at = 0; at < content.size(); at += 65536)
        REQUIRE(writer->append(std::string_view{content}.substr(at, 65536)));
    const event::Fd early = open_file(temp.path() + "/incoming/LARGE1");
    const auto unfinished = read_message(early.get(), Verify::envelope);
    REQUIRE_FALSE(unfinished);
    CHECK(unfinished.error().kind == Damage::Kind::unfinished);
    CHECK(files::is_locked_by_another(early.get()));
    CHECK_FALSE(files::try_lock(early.get()));

    const auto claim = writer->commit(encode_envelope(sample_envelope("LARGE1")), 1, true);
    REQUIRE(claim);
    CHECK_FALSE(files::try_lock(early.get()));
    const auto message = read_message(early.get(), Verify::content_too);
    REQUIRE(message);
    CHECK(content_of(early.get(), message->layout) == content);
}

TEST_CASE("text that is known last stands first", "[queue]") {
    const std::string verdict = "Authentication-Results: mx.example.test; spf=pass\r\n";
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{300'000}, std::size_t{900'000}}) {
        for (const std::size_t room : {std::size_t{0}, verdict.size(), std::size_t{4000}}) {
            TempSpool temp;
            std::string content;
            while (content.size() < size)
                content += "line " + std::to_string(content.size()) + "\r\n";
            auto writer = temp.spool().create(QueueName::incoming, "FRONT1");
            REQUIRE(writer);
            writer->reserve(room);
            for (std::size_t at = 0; at < content.size(); at += 65536)
                REQUIRE(writer->append(std::string_view{content}.substr(at, 65536)));
            const auto placed = writer->prepend(verdict);
            if (size > 256 << 10 && room == 0) {
                REQUIRE_FALSE(placed);
                CHECK(placed.error().text.find("0 kept") != std::string::npos);
                continue;
            }
            REQUIRE(placed);
            REQUIRE(writer->commit(encode_envelope(sample_envelope("FRONT1")), 1, false));
            const event::Fd file = open_file(temp.path() + "/incoming/FRONT1");
            const auto message = read_message(file.get(), Verify::content_too);
            REQUIRE(message);
            CHECK(content_of(file.get(), message->layout) == verdict + content);
        }
    }
}

TEST_CASE("what is not committed leaves nothing", "[queue]") {
    TempSpool temp;
    {
        auto writer = temp.spool().create(QueueName::incoming, "ABCDEF1");
        REQUIRE(writer->append(kContent));
    }
    CHECK_FALSE(temp.spool().find("ABCDEF1"));
}

TEST_CASE("a name is not used twice", "[queue]") {
    TempSpool temp;
    write_message(temp, "ABCDEF1", kContent, sample_envelope("ABCDEF1"));
    const auto again = temp.spool().create(QueueName::incoming, "ABCDEF1");
    REQUIRE_FALSE(again);
    CHECK(again.error().error == EEXIST);
    CHECK(temp.spool().find("ABCDEF1") == QueueName::incoming);
}

TEST_CASE("statuses are appended and read back", "[queue]") {
    TempSpool temp;
    const std::string path = write_message(temp, "ABCDEF1", kContent, sample_envelope("ABCDEF1"));
    const event::Fd file = open_file(path);
    const std::uint64_t end = read_message(file.get(), Verify::envelope)->status_end;
    const std::string first = encode_status(
        {0, Outcome::delivered, 5, "2.0.0", "ok", "relay", "", envelope::Action::relayed});
    const std::string second = encode_status({1, Outcome::deferred, 6, "4.4.1", "no\nroute", "none", "reply", {}});
    REQUIRE(files::append_statuses(file.get(), end, first + second));

    auto message = read_message(file.get(), Verify::envelope);
    REQUIRE(message);
    REQUIRE(message->statuses.size() == 2);
    CHECK(message->statuses[0].action == envelope::Action::relayed);
    CHECK(message->statuses[1].text == "no\nroute");
    CHECK(message->status_end == end + first.size() + second.size());

    // A torn last record is dropped, and the next one takes its place.
    REQUIRE(files::append_statuses(file.get(), message->status_end, first.substr(0, first.size() - 3)));
    message = read_message(file.get(), Verify::envelope);
    REQUIRE(message);
    CHECK(message->torn);
    CHECK(message->statuses.size() == 2);
    REQUIRE(files::append_statuses(file.get(), message->status_end, first));
    message = read_message(file.get(), Verify::envelope);
    CHECK(message->statuses.size() == 3);
    CHECK_FALSE(message->torn);
}

TEST_CASE("every flipped byte is noticed or harmless", "[queue]") {
    TempSpool temp;
    const Envelope envelope = sample_envelope("ABCDEF1");
    const std::string path = write_message(temp, "ABCDEF1", kContent, envelope);
    {
        const event::Fd file = open_file(path);
        const std::uint64_t end = read_message(file.get(), Verify::envelope)->status_end;
        REQUIRE(
            files::append_statuses(file.get(), end, encode_status({1, Outcome::delivered, 5, "2.0.0", "ok", "", "", {}})));
    }
    const std::string good = slurp(path);
    const std::size_t status_at = kPreambleSize + kContent.size() + encode_envelope(envelope).size();
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int mask : {0x01, 0x80, 0xff}) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ mask);
            spit(path, bad);
            const event::Fd file = open_file(path);
            const auto message = read_message(file.get(), Verify::content_too);
            INFO("byte " << at << " mask " << mask);
            if (at < status_at) {
                REQUIRE_FALSE(message);
                REQUIRE(message.error().kind == Damage::Kind::damaged);
            } else {
                REQUIRE(message);  // a damaged result means that the recipient is tried again, no more
                REQUIRE(message->statuses.empty());
                REQUIRE(message->torn);
            }
        }
    }
}

TEST_CASE("every truncation is noticed", "[queue]") {
    TempSpool temp;
    const std::string path = write_message(temp, "ABCDEF1", kContent, sample_envelope("ABCDEF1"));
    const std::string good = slurp(path);
    for (std::size_t size = 0; size < good.size(); ++size) {
        spit(path, good.substr(0, size));
        const event::Fd file = open_file(path);
        const auto message = read_message(file.get(), Verify::content_too);
        INFO("cut to " << size);
        REQUIRE_FALSE(message);
        REQUIRE(message.error().kind == (size == 0 ? Damage::Kind::unfinished : Damage::Kind::damaged));
    }
}

TEST_CASE("huge lengths in a preamble with a right checksum", "[queue]") {
    TempSpool temp;
    const std::string path = write_message(temp, "ABCDEF1", kContent, sample_envelope("ABCDEF1"));
    const std::string good = slurp(path);
    for (const std::uint64_t huge : {UINT64_MAX, UINT64_MAX - 127, std::uint64_t{1} << 63, std::uint64_t{1} << 40}) {
        for (int field = 0; field < 4; ++field) {
            Layout layout;
            layout.content_length = kContent.size();
            layout.envelope_offset = kPreambleSize + kContent.size();
            layout.envelope_length = 10;
            std::uint64_t* fields[] = {
                &layout.content_offset, &layout.content_length, &layout.envelope_offset, &layout.envelope_length};
            *fields[field] = huge;
            spit(path, encode_preamble(layout) + good.substr(kPreambleSize));
            const event::Fd file = open_file(path);
            const auto message = read_message(file.get(), Verify::content_too);
            REQUIRE_FALSE(message);
            CHECK(message.error().kind == Damage::Kind::damaged);
        }
    }
}
