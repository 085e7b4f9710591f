-- Calls for wrk: wrk -s dispatch.lua URL -- LAMBDAS
-- POST /app-<i>/call with a small body, i in no order below LAMBDAS; with 0: POST /call.
-- Ends with one line of JSON.

local threads = {}

function setup(thread)
  thread:set("index", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  lambdas = tonumber(arguments[1])
  math.randomseed(index + 1)
  local body = string.rep("x", 100)
  local headers = {["Content-Type"] = "application/octet-stream"}
  calls = {}
  for i = 0, math.max(0, lambdas - 1) do
    local path = lambdas == 0 and "/call" or string.format("/app-%d/call", i)
    calls[i + 1] = wrk.format("POST", path, headers, body)
  end
end

function request()
  return calls[math.random(#calls)]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%d,"seconds":%f,"failed":%d,"p50_ms":%f,"p99_ms":%f}',
    summary.requests, summary.duration / 1e6, e.status + e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
