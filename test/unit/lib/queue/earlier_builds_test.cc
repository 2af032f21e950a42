// Queue files that builds before this one have written: test/data/queue.
#include <fcntl.h>

#include "lib/queue/file_content.h"
#include "lib/queue/queue_file.h"
#include "test/support/catch.h"
#include "test/support/test_data.h"

using namespace queue;

namespace {

struct Read {
    explicit Read(const char* name)
        : file{open(test::find_data(std::string("queue/") + name).c_str(), O_RDONLY | O_CLOEXEC)} {
        REQUIRE(file);
        auto read = read_message(file.get(), Verify::content_too);
        REQUIRE(read);
        message = std::move(*read);
    }
    event::Fd file;
    MessageFile message;
};

void check_envelope(const Envelope& envelope) {
    CHECK(envelope.mail.sender == "alice@example.test");
    CHECK(envelope.mail.envid == "QQ+2B314159");
    CHECK(envelope.mail.ret == envelope::Ret::headers);
    CHECK(envelope.mail.arrival_us == 1'790'000'000'123'456);
    REQUIRE(envelope.recipients.size() >= 2);
    CHECK(envelope.recipients[0].address == "bob@example.test");
    CHECK(envelope.recipients[0].orcpt == "rfc822;Bob.List@example.test");
    CHECK(envelope.recipients[0].notify == 14);
    CHECK(envelope.recipients[1].address == "alice@example.test");
    CHECK(envelope.recipients[1].given() == "alice@example.test");
    CHECK(envelope.recipients[1].notify == 0);
    CHECK(envelope.expanded.empty());
}

}  // namespace

TEST_CASE("a fresh message of the build before", "[queue][upgrade]") {
    Read read{"fresh"};
    const Envelope& envelope = read.message.envelope;
    check_envelope(envelope);
    CHECK(envelope.queue_id == "0123456789A");
    CHECK(envelope.mail.flags == (envelope::kEightBit | envelope::kLocalOrigin));
    const envelope::Client& client = envelope.mail.client;
    CHECK(client.name == "client.example.test");
    CHECK(client.address == "192.0.2.7");
    CHECK(client.port == "40007");
    CHECK(client.helo == "helo.example.test");
    CHECK(client.protocol == "ESMTPSA");
    CHECK(client.sasl_method == "PLAIN");
    CHECK(client.sasl_username == "alice");
    CHECK(client.sasl_sender == "a@example.test");
    CHECK(envelope.recipients[0].given() == "Bob.List@example.test");
    CHECK(read.message.statuses.empty());
    CHECK_FALSE(read.message.torn);
    const FileContent content{std::move(read.file), read.message.layout.content()};
    const auto text = content.read(0, 10000);
    REQUIRE(text);
    CHECK(text->starts_with("Authentication-Results: mx.example.test; none\r\nReceived: by mx"));
    CHECK(text->ends_with("\r\n\r\nbody\r\n.dot\r\n"));
}

TEST_CASE("a deferred message of the build before", "[queue][upgrade]") {
    const Read read{"deferred"};
    check_envelope(read.message.envelope);
    REQUIRE(read.message.statuses.size() == 4);
    CHECK_FALSE(read.message.torn);
    CHECK(read.message.statuses[0].outcome == Outcome::deferred);
    CHECK(read.message.statuses[0].text == "connect to mx: Connection refused");
    CHECK(read.message.statuses[1].outcome == Outcome::delivered);
    CHECK(read.message.statuses[1].action == envelope::Action::unsaid);
    CHECK(read.message.statuses[2].remote_reply == "550 5.1.1 no");
    CHECK(read.message.statuses[3].outcome == Outcome::delay_reported);
    CHECK_FALSE(read.message.expansion_reported());
}

TEST_CASE("a submission of the build before", "[queue][upgrade]") {
    const Read read{"maildrop"};
    check_envelope(read.message.envelope);
    CHECK(read.message.envelope.full_name == "Alice (A.)");
    CHECK(read.message.envelope.mail.client.protocol.empty());
}
