-- With the argument `upload` 100 KB are sent with each request.
init = function(arguments)
  if arguments[1] == "upload" then
    wrk.method = "POST"
    wrk.body = string.rep("x", 100 * 1024)
  end
end

-- Prints what the driver reads; times in milliseconds.
done = function(summary, latency)
  local errors = summary.errors
  print(string.format("figures rate=%.1f p50=%.3f p99=%.3f errors=%d",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
