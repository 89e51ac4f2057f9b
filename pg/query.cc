#include "pg/query.h"

namespace fluxgate::pg {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::anon:
            return "anon";
        case Role::authenticated:
            return "authenticated";
        case Role::service_role:
            return "service_role";
        case Role::gateway:
            return "gateway";
    }
    return "anon";
}

}  // namespace fluxgate::pg
