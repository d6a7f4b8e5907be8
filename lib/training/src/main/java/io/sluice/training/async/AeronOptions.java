package io.sluice.training.async;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The JVM options that Aeron needs in the driver and in every executor. The submit scripts set them
 * ({@code sluice_aeron_options} in {@code submit-scripts/lib/runtime.sh}).
 *
 * <p>DL4J asks for a client that may be silent for 30 s, and Aeron refuses to start unless a
 * publication unblocks later than that. A term buffer is 32 MiB unless told otherwise and there are
 * six for each peer, in shared memory, of which a container has 64 MiB by default; 4 MiB hold 60 of
 * the largest messages.
 */
final class AeronOptions {
  static final long TERM_BYTES = 4L << 20;

  static final Map<String, String> PROPERTIES =
      new TreeMap<>(
          Map.of(
              "aeron.publication.unblock.timeout",
              "60000000000",
              "aeron.term.buffer.length",
              Long.toString(TERM_BYTES)));

  private AeronOptions() {}

  /** The options that this process was not started with, as they are written. */
  static List<String> missing() {
    var missing = new ArrayList<String>();
    PROPERTIES.forEach(
        (name, value) -> {
          if (System.getProperty(name) == null) {
            missing.add("-D%s=%s".formatted(name, value));
          }
        });
    Module base = Object.class.getModule();
    if (!base.isOpen("sun.nio.ch", AeronOptions.class.getModule())) {
      missing.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    }
    return missing;
  }
}
