// The YAML forms of zone data.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/dns/zone_data.h"
#include "lib/text/text.h"

namespace dns {
namespace {

using Failure = std::unexpected<std::string>;

std::optional<Type> type_of(const std::string& word) {
    const std::pair<const char*, Type> kTypes[] = {{"A", Type::a}, {"AAAA", Type::aaaa}, {"MX", Type::mx},
        {"TXT", Type::txt}, {"PTR", Type::ptr}, {"CNAME", Type::cname}, {"TLSA", Type::tlsa}};
    for (const auto& [name, type] : kTypes)
        if (word == name)
            return type;
    return std::nullopt;
}

std::optional<Status> trouble_of(const YAML::Node& value) {
    if (!value.IsScalar())
        return std::nullopt;
    if (value.Scalar() == "TIMEOUT")
        return Status::temporary_failure;
    if (value.Scalar() == "BOGUS")
        return Status::bogus;
    return std::nullopt;
}

// A string of any length, or a list of the strings of one record.
std::expected<std::string, std::string> txt_rdata(const YAML::Node& value) {
    if (!value.IsSequence())
        return encode_txt(value.IsNull() ? "" : value.Scalar());
    std::string rdata;
    for (const YAML::Node& part : value) {
        std::string octets = part.as<std::string>();
        if (octets.size() > 255)
            return Failure("a string of a TXT record is longer than 255 octets");
        rdata += static_cast<char>(octets.size());
        rdata += octets;
    }
    return rdata;
}

std::expected<std::string, std::string> rdata_of(Type type, const YAML::Node& value) {
    if (type == Type::txt)
        return txt_rdata(value);
    std::vector<Word> words;
    if (value.IsSequence())
        for (const YAML::Node& part : value)
            words.push_back(Word{part.as<std::string>(), false});
    else
        for (std::string_view word : text::split(value.Scalar(), " \t\n"))
            words.push_back(Word{std::string(word), false});
    if (type == Type::mx && words.size() == 2 && words[1].text.empty())
        words[1].text = ".";  // the root: nothing here takes mail
    return encode_rdata(type, words, ".");
}

class NameReader {
  public:
    NameReader(std::string name, ZoneData& data) : name_(std::move(name)), data_(data) {}

    std::expected<void, std::string> read(const YAML::Node& entries) {
        data_.add_name(name_);
        if (entries.IsScalar() || entries.IsMap()) {
            if (auto taken = take(entries); !taken)
                return taken;
        } else {
            for (const YAML::Node& entry : entries)
                if (auto taken = take(entry); !taken)
                    return taken;
        }
        if (!own_txt_ && !all_trouble_)
            for (std::string& rdata : spf_)
                data_.add_rdata(name_, Type::txt, std::move(rdata));
        return {};
    }

  private:
    std::expected<void, std::string> take(const YAML::Node& entry) {
        if (auto trouble = trouble_of(entry)) {
            data_.set_trouble(name_, *trouble);
            all_trouble_ = true;
            return {};
        }
        if (!entry.IsMap())
            return Failure(fmt::format("{}: \"{}\" is no record", name_, entry.IsScalar() ? entry.Scalar() : "a list"));
        for (const auto& item : entry)
            if (auto taken = take_record(item.first.as<std::string>(), item.second); !taken)
                return Failure(fmt::format("{}: {}: {}", name_, item.first.as<std::string>(), taken.error()));
        return {};
    }

    std::expected<void, std::string> take_record(const std::string& word, const YAML::Node& value) {
        if (word == "SPF") {
            if (trouble_of(value))
                return {};  // the record of type 99, which RFC 7208 no longer asks for
            auto rdata = txt_rdata(value);
            if (!rdata)
                return Failure(rdata.error());
            spf_.push_back(std::move(*rdata));
            return {};
        }
        auto type = type_of(word);
        if (!type)
            return Failure("no type of record that can be asked for");
        own_txt_ = own_txt_ || *type == Type::txt;
        if (auto trouble = trouble_of(value)) {
            data_.set_trouble(name_, *trouble, *type);
            return {};
        }
        if (value.IsScalar() && value.Scalar() == "NONE")
            return {};
        auto rdata = rdata_of(*type, value);
        if (!rdata)
            return Failure(rdata.error());
        data_.add_rdata(name_, *type, std::move(*rdata));
        return {};
    }

    std::string name_;
    ZoneData& data_;
    std::vector<std::string> spf_;
    bool own_txt_ = false, all_trouble_ = false;
};

std::expected<void, std::string> read_document(const YAML::Node& document, ZoneData& data) {
    if (!document.IsMap())
        return {};
    if (YAML::Node zone = document["zonedata"]; zone.IsDefined() && zone.IsMap())
        for (const auto& item : zone)
            if (auto read = NameReader(item.first.as<std::string>(), data).read(item.second); !read)
                return read;
    if (YAML::Node texts = document["txt-records"]; texts.IsDefined() && texts.IsMap())
        for (const auto& item : texts) {
            if (!item.second.IsScalar())
                return Failure(fmt::format("{}: the text of its record is wanted", item.first.as<std::string>()));
            // Written over several lines, they stand for one: folding white space in a DKIM key.
            std::string content = item.second.Scalar();
            std::replace(content.begin(), content.end(), '\n', ' ');
            data.add_txt(item.first.as<std::string>(), text::trim(content));
        }
    return {};
}

}  // namespace

std::expected<std::vector<ZoneData>, std::string> parse_zone_yaml(std::string_view text) {
    std::vector<ZoneData> all;
    try {
        for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
            ZoneData data;
            if (auto read = read_document(document, data); !read)
                return Failure(read.error());
            all.push_back(std::move(data));
        }
    } catch (const YAML::Exception& error) {
        return Failure(error.what());
    }
    return all;
}

}  // namespace dns
