package io.sluice.sequences.text;

import io.sluice.sequences.text.TextSettings.InvalidUtf8;
import io.sluice.sequences.text.TextSettings.Source;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Tokenisation;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What is read, and how it becomes tokens.
 *
 * @param described each path of the source with the setting that names it, null where there is none
 * @param tokenizerJson subword: text of the {@code tokenizer.json}; else null
 * @param isStream rows need an order, and may have no token
 * @param needsLabels rows without one cannot be used; else they have none, nor need the column be
 *     there
 */
record Reading(
    Source source,
    List<String> described,
    Tokenisation tokenisation,
    String tokenizerJson,
    boolean isStream,
    boolean needsLabels,
    InvalidUtf8 invalidUtf8) {

  /**
   * Formats whose texts Spark hands over as they lie in a file. The readers of the others decode
   * first, and what was not UTF-8 then is U+FFFD already; Avro's does where the schema asks for
   * Java's strings.
   */
  private static final List<String> BYTE_FORMATS = List.of("text", "parquet", "orc");

  /** What a build reads. */
  static Reading of(TextSettings settings, String tokenizerJson) {
    return new Reading(
        settings.source(),
        IntStream.range(0, 3)
            .mapToObj(n -> settings.source().paths().get(n) == null ? null : settings.described(n))
            .toList(),
        settings.text().tokenisation(),
        tokenizerJson,
        settings.dataset().layout() == Layout.STREAM,
        settings.source().labelColumn() != null,
        settings.text().invalidUtf8());
  }

  /** Whether texts have the bytes of their file, or U+FFFD for those that were not UTF-8. */
  boolean readsBytes() {
    return BYTE_FORMATS.contains(source.format());
  }

  /** All sources, for messages of work on them together. */
  String describedTogether() {
    List<String> all = described.stream().filter(Objects::nonNull).toList();
    return all.size() == 1 ? all.get(0) : "the sources (%s)".formatted(String.join(", ", all));
  }

  /** A path of the source with the setting that names it. */
  String described(int sourceNumber) {
    return described.get(sourceNumber);
  }
}
