package io.sluice.training;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Stream;

/** Tells datasets apart. */
final class Fingerprint {
  private Fingerprint() {}

  /**
   * The first digits of a SHA-256 over the parts of a dataset and its contract.
   *
   * @param parts path and content hash of each, in order of path
   */
  static String of(Stream<String> parts, Record contract) {
    MessageDigest digest = sha256();
    parts.forEach(part -> digest.update(bytes(part + "\n")));
    digest.update(bytes(contract.toString()));
    return HexFormat.of().formatHex(digest.digest(), 0, 6);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
