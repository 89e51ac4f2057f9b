// Binds a completion object (Op, Ready, Timer, CancelHook) to a member function of its owner, at
// the cost of one pointer:
//
//   void receive_done(int32_t result, uint32_t flags);
//   Bound<Op, &Connection::receive_done> receive_op_{this};
#pragma once

namespace fluxgate::loop {

template <class Base, auto Method>
class Bound;

template <class Base, class Owner, class... Arguments, void (Owner::*Method)(Arguments...)>
class Bound<Base, Method> final : public Base {
public:
    explicit Bound(Owner* owner) : Base(&Bound::run), owner_(owner) {}

private:
    static void run(Base& base, Arguments... arguments) {
        (static_cast<Bound&>(base).owner_->*Method)(arguments...);
    }
    Owner* owner_;
};

}  // namespace fluxgate::loop
