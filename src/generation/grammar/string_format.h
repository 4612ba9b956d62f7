// The `format` of strings.
#pragma once

#include <optional>
#include <string_view>

#include "generation/grammar/text_automaton.h"

namespace hadal {

// The texts of a format: date, time, date-time, duration, uuid, email,
// hostname, ipv4, ipv6, uri, uri-reference. They may be fewer than the standard
// allows (years from 1000 on, no 29 February, no quoted mail names), and are
// never more. Nothing for a format that is not known: the standard lets readers
// ignore it.
std::optional<TextAutomaton> format_texts(std::string_view format);

}  // namespace hadal
