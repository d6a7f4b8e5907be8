package io.sluice.recurrent.cuda;

import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;

/** Copies within the host's memory; one core is slower than the bus, so several help. */
final class HostCopy {
  private static final long CHUNK = 1 << 20;

  private HostCopy() {}

  static void copy(Pointer to, Pointer from, long bytes) {
    if (bytes < 2 * CHUNK) {
      Pointer.memcpy(to, from, bytes);
      return;
    }
    int chunks = Math.toIntExact((bytes + CHUNK - 1) / CHUNK);
    IntStream.range(0, chunks)
        .parallel()
        .forEach(
            k -> {
              long start = k * CHUNK;
              Pointer.memcpy(
                  Bus.at(to, start), Bus.at(from, start), Math.min(CHUNK, bytes - start));
            });
  }
}
