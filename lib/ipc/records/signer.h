// lib/ipc/records/signer.h - signatures from the only process that holds private keys.
//
// Sender      cleanup, over private/signer.
// Receiver    signer.
// The talk    SignRequest, SignReply, and so on over one connection; one request is under way at a time.
// Trust       signer signs every hash that comes with the name of a key that it holds: who can connect can have mail signed,
//             but never sees a key. It opens no file because of a request. cleanup puts a signature into a header only
//             as base64.
#pragma once

#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

// What a= says is part of what is hashed, and only the signer knows what kind of key a file holds: so there are two hashes,
// one for each.
struct SignItem {
    std::string key_file;  // as dkim_sign_table or arc_seal_key has it
    std::string rsa_hash;  // SHA-256, 32 octets
    std::string ed25519_hash;

    static constexpr std::string_view kRecord = "sign_item/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("key_file", &SignItem::key_file), ipc::field("rsa_hash", &SignItem::rsa_hash),
            ipc::field("ed25519_hash", &SignItem::ed25519_hash)};
    }
};

struct SignRequest {
    std::vector<SignItem> items;  // at most kMaxSignItems

    static constexpr std::string_view kRecord = "sign_request/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("items", &SignRequest::items)}; }
};
inline constexpr std::size_t kMaxSignItems = 16;

struct SignAnswer {
    std::string algorithm;  // "rsa-sha256" or "ed25519-sha256"
    std::string signature;  // octets; empty: `reason` tells why not
    std::string reason;

    static constexpr std::string_view kRecord = "sign_answer/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("algorithm", &SignAnswer::algorithm),
            ipc::field("signature", &SignAnswer::signature), ipc::field("reason", &SignAnswer::reason)};
    }
};

// One answer for each item, in their order.
struct SignReply {
    std::vector<SignAnswer> answers;

    static constexpr std::string_view kRecord = "sign_reply/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("answers", &SignReply::answers)}; }
};

}  // namespace ipc::records
