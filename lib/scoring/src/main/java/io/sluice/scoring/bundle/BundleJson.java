package io.sluice.scoring.bundle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.failure.InvalidInputException;
import java.nio.charset.StandardCharsets;

/** The manifest as JSON: UTF-8, two spaces, map keys sorted, one trailing line feed. */
final class BundleJson {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private BundleJson() {}

  static byte[] write(BundleManifest manifest) {
    var indenter = new DefaultIndenter("  ", "\n");
    var printer = new DefaultPrettyPrinter().withObjectIndenter(indenter);
    try {
      String text = MAPPER.writer(printer).writeValueAsString(manifest);
      return (text + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a bundle manifest is records and maps, always JSON", e);
    }
  }

  /**
   * @param where the manifest's path, for messages
   */
  static BundleManifest read(byte[] json, String where) {
    try {
      JsonNode tree = MAPPER.readTree(new String(json, StandardCharsets.UTF_8));
      String format = tree.path("format").asText("none");
      if (!format.equals(BundleManifest.FORMAT)) {
        throw new InvalidInputException(
            "Model bundle manifest %s has format %s, this version reads %s. Use the version of Sluice that wrote it, or train again."
                .formatted(where, format, BundleManifest.FORMAT));
      }
      return MAPPER.treeToValue(tree, BundleManifest.class);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new InvalidInputException(
          "Model bundle manifest %s cannot be read: %s. Train again, or restore the bundle from a copy."
              .formatted(where, firstLine(e)),
          e);
    }
  }

  private static String firstLine(Exception e) {
    String message =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
