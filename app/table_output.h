// Rows as a table of text for people.
#pragma once

#include <ostream>

#include "pg/result.h"

namespace fluxgate::app {

// Column names, then the rows; NULL is "-". Control characters become '?', so that a name in the
// database can not steer a terminal.
void print_table(const pg::Result& rows, std::ostream& out);

}  // namespace fluxgate::app
