package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What runs of other processes leave in their checkpoints' folders. */
final class Checkpoints {
  private static final Pattern NAME = Pattern.compile("epoch-(\\d+)-step-(\\d+)\\.checkpoint");
  private static final String MAGIC = "checkpoint.v2\n";
  private static final int HASH_BYTES = 32;

  private Checkpoints() {}

  /** Step of the newest checkpoint; 0 without any. */
  static long newestStep(Path folder) {
    if (!Files.exists(folder)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> NAME.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .mapToLong(matcher -> Long.parseLong(matcher.group(2)))
          .max()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Parameters, optimizer state and best parameters of a run's last checkpoint. */
  static byte[] numbers(Script.Result run) throws IOException {
    try (DataInputStream in = open(run)) {
      in.skipBytes(in.readInt());
      byte[] rest = in.readAllBytes();
      return Arrays.copyOf(rest, rest.length - HASH_BYTES);
    }
  }

  /** Parameters of a run's last checkpoint. */
  private static FloatBuffer parameters(Script.Result run) throws IOException {
    try (DataInputStream in = open(run)) {
      JsonNode header = new ObjectMapper().readTree(in.readNBytes(in.readInt()));
      int bytes = header.get("parameters").asInt() * Float.BYTES;
      return ByteBuffer.wrap(in.readNBytes(bytes)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }
  }

  /**
   * Two runs took the same steps and have the same parameters but for the order in which float32
   * numbers were added, which is another with other ranks, and with layers that are cut.
   */
  static void assertEqualToRounding(Script.Result actual, Script.Result expected)
      throws IOException {
    FloatBuffer numbers = parameters(actual);
    FloatBuffer right = parameters(expected);
    assertThat(numbers.remaining()).isEqualTo(right.remaining());
    for (int i = 0; i < right.remaining(); i++) {
      assertThat(numbers.get(i)).as("parameter %d", i).isCloseTo(right.get(i), within(1e-5f));
    }
    assertThat(actual.report().get("steps")).isEqualTo(expected.report().get("steps"));
  }

  private static DataInputStream open(Script.Result run) throws IOException {
    var in = new DataInputStream(Files.newInputStream(run.place("/checkpoint")));
    in.skipBytes(MAGIC.length());
    return in;
  }
}
