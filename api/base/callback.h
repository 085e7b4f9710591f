// A one-shot, move-only function<void(T)>: what std::function cannot hold is a Responder.
#pragma once

#include <memory>
#include <utility>

namespace mx2 {

template <typename T>
class Callback {
 public:
  template <typename F>
  Callback(F function)  // NOLINT(google-explicit-constructor)
      : impl_(std::make_unique<Holder<F>>(std::move(function))) {}

  // At most once.
  void operator()(T value) {
    const auto impl = std::move(impl_);
    impl->call(std::move(value));
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void call(T value) = 0;
  };
  template <typename F>
  struct Holder final : Base {
    explicit Holder(F f) : function(std::move(f)) {}
    void call(T value) override { function(std::move(value)); }
    F function;
  };
  std::unique_ptr<Base> impl_;
};

}  // namespace mx2
