package io.sluice.sequences.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.Provenance;
import java.util.List;

/**
 * The seal of a manifest: SHA-256, in hex, of its JSON text without the seal itself and without
 * {@code createdAt}, so that builds of the same input have the same seal.
 *
 * <p>An audit vouches for the scalers, parts and bounds that it saw; the seal tells whether they
 * are still those. It guards against an edit by hand or a file copied from another build, not
 * against someone who forges it: it holds no secret.
 */
public final class ManifestSeal {
  private static final List<String> NOT_SEALED = List.of("createdAt", "seal");

  private ManifestSeal() {}

  /** The same manifest under its seal. */
  public static SequenceManifest seal(SequenceManifest manifest) {
    return manifest.withSeal(of(manifest));
  }

  /** True if the manifest is what was sealed. */
  static boolean holds(SequenceManifest manifest) {
    return of(manifest).equals(manifest.seal());
  }

  /** What the seal of a manifest of any record with a {@code seal} must be. */
  public static String of(Record manifest) {
    ObjectNode tree = ManifestJson.mapper().valueToTree(manifest);
    return Provenance.sha256(ManifestJson.write(tree.without(NOT_SEALED)));
  }
}
