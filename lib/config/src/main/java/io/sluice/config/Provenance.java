package io.sluice.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Properties;

/**
 * Where a dataset, a model or a prediction came from: which run, which code, which settings.
 *
 * <p>Nothing in it gives a secret away: the hash is taken over the settings as they are shown, with
 * secrets masked, so it cannot be used to guess one either.
 *
 * @param runId unique, and sorts by start time: {@code 20240131T235959123Z-5f3a9c01d2e4}; safe in
 *     paths
 * @param codeVersion project version and git commit, {@code 0.1.0+1a2b3c4d5e6f}, with {@code
 *     -dirty} where the work tree had changes; the version alone where the build knew of no commit
 * @param configHash SHA-256, in hex, of the resolved settings as {@link Settings#render} shows them
 * @param startedAt start of the run, to the millisecond
 */
public record Provenance(String runId, String codeVersion, String configHash, Instant startedAt) {
  private static final DateTimeFormatter SORTABLE =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssSSS'Z'").withZone(ZoneOffset.UTC);
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The provenance of a run that starts now with these settings. */
  public static Provenance start(Settings settings) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    return new Provenance(newRunId(now), currentCodeVersion(), sha256(settings.render()), now);
  }

  /** Version and commit of the code that is running. */
  public static String currentCodeVersion() {
    Properties version = load("/io/sluice/version.properties");
    // empty where the build found no git repository
    String commit = load("/io/sluice/commit.properties").getProperty("commit", "");
    String number = version.getProperty("version", "unknown");
    return commit.isBlank() ? number : number + "+" + commit;
  }

  private static String newRunId(Instant start) {
    byte[] suffix = new byte[6];
    RANDOM.nextBytes(suffix);
    return SORTABLE.format(start) + "-" + HexFormat.of().formatHex(suffix);
  }

  /** SHA-256 of a text in UTF-8, in hex. */
  public static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static Properties load(String resource) {
    var properties = new Properties();
    try (InputStream stream = Provenance.class.getResourceAsStream(resource)) {
      if (stream != null) {
        properties.load(stream);
      }
      return properties;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read %s from the jar".formatted(resource), e);
    }
  }
}
