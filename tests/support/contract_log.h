// Every answer that the http tests receive, one JSON object a line, in the file that the
// environment variable MX2_CONTRACT_LOG names; tests/orchestrator/endpoints/contract.py validates
// them.
#pragma once

#include <string>

namespace mx2::test {

struct Exchange {
  std::string method;  // empty: the request was not one that a schema knows (malformed, cut short)
  std::string target;
  int status = 0;
  std::string content_type;
  std::string body;
};

// Callable from any thread. Does nothing without the variable.
void record(const Exchange& exchange);

}  // namespace mx2::test
