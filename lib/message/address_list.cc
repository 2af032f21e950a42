#include "lib/message/address_list.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lib/message/address_lexer.h"
#include "lib/message/header.h"

namespace message {
namespace {

using Token = AddressToken;
using Tokens = std::span<const Token>;

bool holds(Tokens tokens, char special) {
    return std::any_of(tokens.begin(), tokens.end(), [special](const Token& token) { return token.is(special); });
}

// Words stand together by a dot, which may have blanks beside it (RFC 5322, 4.4), or by nothing at all.
bool joins(const Token& left, const Token& right) {
    return !right.after_blank || left.text.ends_with('.') || right.text.starts_with('.');
}

// As it is shown: one blank where there was any.
std::string phrase_text(Tokens tokens) {
    std::string text;
    for (const Token& token : tokens) {
        if (!text.empty() && token.after_blank)
            text += ' ';
        text += token.text;
    }
    return text;
}

class ListReader {
  public:
    explicit ListReader(std::string_view body) : lexer_(body) {}

    AddressList read() {
        for (;;) {
            Token token = lexer_.next();
            if (token.kind == Token::Kind::end)
                break;
            if (list_.addresses.size() >= kMaxAddresses) {
                note("it has too many addresses");
                break;
            }
            take(std::move(token));
        }
        finish_item();
        end_group();
        if (!lexer_.anomaly().empty())
            list_.ambiguity = lexer_.anomaly();
        return std::move(list_);
    }

  private:
    void take(Token token) {
        if (in_angle_)
            take_in_angle(std::move(token));
        else if (token.is(',') && !is_route(outer_))
            finish_item();
        else if (token.is(';'))
            take_semicolon();
        else if (token.is(':'))
            take_colon(std::move(token));
        else if (token.is('<'))
            begin_angle();
        else if (token.is('>') || token.is(')'))
            note("a \">\" or \")\" has no beginning");
        else
            add(outer_, std::move(token));
    }

    static bool is_route(Tokens tokens) { return !tokens.empty() && tokens.front().is('@') && !holds(tokens, ':'); }

    // A route has commas, everything else that separates ends an address whose ">" is missing.
    void take_in_angle(Token token) {
        if (token.is('>')) {
            finish_angle();
        } else if (token.is('<') || token.is(')')) {
            note("a \"<\" or \")\" stands between \"<\" and \">\"");
        } else if (token.is(';') || (token.is(',') && !is_route(inner_))) {
            note("a \"<\" has no \">\"");
            finish_angle();
            take(std::move(token));
        } else {
            add(inner_, std::move(token));
        }
    }

    static void add(std::vector<Token>& tokens, Token token) { tokens.push_back(std::move(token)); }

    void take_semicolon() {
        finish_item();
        if (!in_group_)
            note("a \";\" stands outside of a group");
        end_group();
    }

    void take_colon(Token token) {
        if (is_route(outer_) && !angle_done_) {
            note("a route stands without \"<\"");
            return add(outer_, std::move(token));
        }
        if (angle_done_ || holds(outer_, '@')) {
            note("an address stands before a \":\"");
            finish_item();
        }
        if (in_group_) {
            note("a group begins within a group");
            return reset();
        }
        Address group;
        group.kind = Address::Kind::group_start;
        group.mailbox = phrase_text(outer_);
        list_.addresses.push_back(std::move(group));
        in_group_ = true;
        reset();
    }

    void begin_angle() {
        if (angle_done_) {
            note("two addresses stand without a comma between them");
            finish_item();
        }
        comment_ = lexer_.take_comment();
        in_angle_ = true;
    }

    void finish_angle() {
        in_angle_ = false;
        Address address = read_spec(inner_);
        std::string phrase = phrase_text(outer_);
        if (holds(outer_, '@') && !equal_ignoring_case(phrase, address.mailbox + "@" + address.host))
            note("the display name is another address");
        if (!phrase.empty())
            address.name = std::move(phrase);
        else if (comment_ && !comment_->empty())
            address.name = std::move(comment_);
        list_.addresses.push_back(std::move(address));
        reset();
        angle_done_ = true;
    }

    void finish_item() {
        if (std::exchange(in_angle_, false)) {
            note("a \"<\" has no \">\"");
            finish_angle();
        }
        if (angle_done_ && !outer_.empty())
            note("something stands behind a \">\"");
        // Behind "<...>" only what is an address of its own is one.
        if (!outer_.empty() && (!angle_done_ || holds(outer_, '@')))
            list_.addresses.push_back(read_bare());
        reset();
        angle_done_ = false;
    }

    // An address without "<" and ">". Words before it that no dot joins are its name, as some write it.
    Address read_bare() {
        std::optional<std::string> comment = lexer_.take_comment();
        Tokens tokens = outer_;
        Tokens phrase = tokens.first(0);
        const auto at = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) { return token.is('@'); });
        if (at != tokens.end() && at != tokens.begin()) {
            auto first = static_cast<std::size_t>(at - tokens.begin()) - 1;
            while (first > 0 && joins(tokens[first - 1], tokens[first]))
                --first;
            phrase = tokens.first(first);
            tokens = tokens.subspan(first);
        }
        if (!phrase.empty())
            note("words stand before an address without \"<\"");
        Address address = read_spec(tokens);
        if (!phrase.empty())
            address.name = phrase_text(phrase);
        else if (comment && !comment->empty())
            address.name = std::move(comment);
        return address;
    }

    Address read_spec(Tokens spec) {
        Address address;
        read_route(spec, address);
        if (spec.empty())
            return address;
        address.begin = spec.front().begin;
        address.end = spec.back().end;
        std::size_t at = spec.size();
        while (at > 0 && !spec[at - 1].is('@'))
            --at;
        const bool has_at = at > 0;
        const Tokens local = has_at ? spec.first(at - 1) : spec;
        const Tokens domain = has_at ? spec.subspan(at) : spec.last(0);
        const bool good_local = is_local(local);
        const bool good_domain = !has_at || read_domain(domain, address.host);
        address.mailbox = phrase_text(local);
        if (good_local)
            address.mailbox = concatenate(local);
        address.is_addr_spec = good_local && good_domain;
        if (has_at && !address.is_addr_spec)
            note("an address cannot be read");
        return address;
    }

    void read_route(Tokens& spec, Address& address) {
        if (spec.empty() || !spec.front().is('@'))
            return;
        const auto colon = std::find_if(spec.begin(), spec.end(), [](const Token& token) { return token.is(':'); });
        if (colon == spec.end())
            return;
        const auto length = static_cast<std::size_t>(colon - spec.begin());
        address.route = concatenate(spec.first(length));
        spec = spec.subspan(length + 1);
    }

    static std::string concatenate(Tokens tokens) {
        std::string text;
        for (const Token& token : tokens)
            text += token.text;
        return text;
    }

    static bool is_local(Tokens local) {
        for (std::size_t i = 0; i < local.size(); ++i) {
            if (local[i].kind != Token::Kind::word && local[i].kind != Token::Kind::quoted)
                return false;
            if (i > 0 && !joins(local[i - 1], local[i]))
                return false;
        }
        return !local.empty();
    }

    // What follows behind a blank does not belong to it.
    static bool read_domain(Tokens domain, std::string& host) {
        for (std::size_t i = 0; i < domain.size(); ++i) {
            if (domain[i].kind != Token::Kind::word && domain[i].kind != Token::Kind::literal)
                return false;
            if (i > 0 && !joins(domain[i - 1], domain[i]))
                return false;
            host += domain[i].text;
        }
        return !domain.empty();
    }

    void end_group() {
        if (!std::exchange(in_group_, false))
            return;
        Address group;
        group.kind = Address::Kind::group_end;
        list_.addresses.push_back(std::move(group));
    }

    void reset() {
        outer_.clear();
        inner_.clear();
        comment_.reset();
        lexer_.take_comment();
    }

    void note(std::string_view ambiguity) {
        if (list_.ambiguity.empty())
            list_.ambiguity = ambiguity;
    }

    AddressLexer lexer_;
    AddressList list_;
    std::vector<Token> outer_;  // the item outside of "<...>"
    std::vector<Token> inner_;  // inside
    std::optional<std::string> comment_;
    bool in_angle_ = false;
    bool angle_done_ = false;
    bool in_group_ = false;
};

}  // namespace

AddressList read_addresses(std::string_view body) { return ListReader(body).read(); }

std::vector<Address> parse_address_list(std::string_view body) { return read_addresses(body).addresses; }

}  // namespace message
