-- Prints what the driver reads; times in milliseconds.
done = function(summary, latency)
  local errors = summary.errors
  print(string.format("figures rate=%.1f p50=%.3f p99=%.3f errors=%d",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
