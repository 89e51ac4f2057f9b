// What would have been right, behind the message that a value or an operator was not: "; one of:
// open, shipped" for an enum, "; true or false" for a boolean.
#pragma once

#include <string>
#include <string_view>

#include "pg/catalog.h"

namespace fluxgate::tools {

// How a value of the type (of a column; domains are followed) is written. Empty where that says
// nothing that the type's name does not.
[[nodiscard]] std::string value_hint(const pg::Catalog& catalog, uint32_t type);

// Which types an operator or aggregate is for; empty for those that nearly all types have.
[[nodiscard]] std::string_view operator_hint_of(std::string_view word);

}  // namespace fluxgate::tools
