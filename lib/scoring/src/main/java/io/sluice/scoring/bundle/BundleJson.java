package io.sluice.scoring.bundle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Attention;
import io.sluice.sequences.dataset.ManifestJson;
import java.nio.charset.StandardCharsets;

/** The manifest as JSON in UTF-8, written as a dataset's manifest is: keys sorted, stable bytes. */
final class BundleJson {
  private BundleJson() {}

  static byte[] write(BundleManifest manifest) {
    return ManifestJson.write(manifest).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * @param where the manifest's path, for messages
   */
  static BundleManifest read(byte[] json, String where) {
    JsonNode tree = tree(json, where);
    String format = tree.path("format").asText("(none)");
    if (!format.equals(BundleManifest.FORMAT)) {
      throw new InvalidInputException(
          "%s has format %s; this version reads %s. Train again, or use the version of Sluice that wrote it (%s)."
              .formatted(
                  where,
                  format,
                  BundleManifest.FORMAT,
                  tree.path("provenance").path("codeVersion").asText("not recorded")));
    }
    if (tree.get("spec") instanceof ObjectNode spec) {
      completeOlder(spec);
    }
    if (tree instanceof ObjectNode manifest) {
      for (String none : new String[] {"text", "alarmThreshold"}) {
        if (!manifest.has(none)) {
          manifest.putNull(none);
        }
      }
    }
    if (tree.get("provenance") instanceof ObjectNode run && !run.has("fineTunedFrom")) {
      run.putNull("fineTunedFrom");
    }
    return ManifestJson.convert(tree, BundleManifest.class, where);
  }

  /** Adds what bundles do not say of networks that have none, and older ones had no choice of. */
  private static void completeOlder(ObjectNode spec) {
    if (!spec.has("precision")) {
      spec.put("precision", "f32");
    }
    if (!spec.has("attention")) {
      spec.set("attention", ManifestJson.mapper().valueToTree(Attention.NONE));
    }
    if (!spec.has("layerNorm")) {
      spec.put("layerNorm", false);
    }
    if (!spec.has("variationalDropout")) {
      spec.put("variationalDropout", false);
      spec.put("recurrentDropout", 0.0);
    }
    for (String none : new String[] {"embedding", "regularizers"}) {
      if (!spec.has(none)) {
        spec.putNull(none);
      }
    }
    if (spec.get("embedding") instanceof ObjectNode embedding
        && !embedding.has("adversarialEpsilon")) {
      embedding.put("adversarialEpsilon", 0.0);
    }
    if (spec.get("head") instanceof ObjectNode head && !head.has("adaptive")) {
      head.putNull("adaptive");
    }
  }

  private static JsonNode tree(byte[] json, String where) {
    try {
      return ManifestJson.mapper().readTree(new String(json, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "%s is not JSON: %s (line %d). Restore the bundle from a copy, or train again."
              .formatted(
                  where,
                  e.getOriginalMessage(),
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr()),
          e);
    }
  }
}
