-- Load for wrk: wrk -s load.lua URL -- KIND [NAME=NUMBER...]
--   create       POST app_contexts; device ids ue-1 to ue-<devices>, in no order
--   join         the same for the app executor, which has a warm instance
--   put, delete  of the contexts <first>, <first>+1, ... (identifiers are numbers in hexadecimal);
--                put begins again after <count> of them
--   app_list     GET app_list
-- Ends with one line of JSON.

local root = "/dev_app/v1/"
local json = {["Content-Type"] = "application/json"}
local context = '{"associateDevAppId":"ue-%d","appInfo":{"appName":"%s",' ..
  '"appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}%s}'
local callback = ',"callbackReference":"http://192.0.2.1:7000/%d"'
local threads = {}

function setup(thread)
  thread:set("index", #threads)
  table.insert(threads, thread)
end

local requests = {}

function requests.create()
  return wrk.format("POST", root .. "app_contexts", json,
                    context:format(math.random(settings.devices), "facedetect", ""))
end

function requests.join()
  return wrk.format("POST", root .. "app_contexts", json,
                    context:format(math.random(settings.devices), "executor", ""))
end

function requests.put(n)
  local id = string.format("%032x", settings.first + n % settings.count)
  return wrk.format("PUT", root .. "app_contexts/" .. id, json,
                    context:format(1, "facedetect", callback:format(n)))
end

function requests.delete(n)
  return wrk.format("DELETE", root .. "app_contexts/" .. string.format("%032x", settings.first + n))
end

function requests.app_list()
  return app_list
end

function init(arguments)
  settings = {devices = 1000, first = 0, count = 1, threads = 1}
  for i = 2, #arguments do
    local name, value = arguments[i]:match("^(%w+)=(%d+)$")
    settings[name] = tonumber(value)
  end
  next_request = assert(requests[arguments[1]], "unknown kind of load")
  app_list = wrk.format("GET", root .. "app_list")
  math.randomseed(settings.first + index)
  n = index - settings.threads  -- each thread takes every <threads>th number
end

function request()
  n = n + settings.threads
  return next_request(n)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"p99_ms":%f,"status":%d,"connect":%d,"read":%d,"write":%d,' ..
    '"timeout":%d}\n', summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3,
    e.status, e.connect, e.read, e.write, e.timeout))
end
