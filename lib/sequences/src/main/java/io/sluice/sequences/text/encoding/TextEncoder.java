package io.sluice.sequences.text.encoding;

import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import java.util.Arrays;
import java.util.List;

/**
 * Text to ids, as a {@link TextContract} says: the same for the job that builds a dataset and for a
 * model that scores. Serves one thread.
 */
public final class TextEncoder implements AutoCloseable {
  private final TextContract contract;
  private final Vocabulary vocabulary;
  private final Tokeniser tokeniser;

  /**
   * @param tokenizerJson subword: text of the {@code tokenizer.json}; else null
   * @throws InvalidInputException if the files are not those of the contract
   */
  public TextEncoder(TextContract contract, Vocabulary vocabulary, String tokenizerJson) {
    requireHash("vocabulary", contract.vocabularyHash(), vocabulary.hash());
    if (contract.tokenisation().tokenizerHash() != null) {
      requireHash(
          "tokenizer",
          contract.tokenisation().tokenizerHash(),
          tokenizerJson == null ? "none" : Provenance.sha256(tokenizerJson));
    }
    this.contract = contract;
    this.vocabulary = vocabulary;
    this.tokeniser = Tokeniser.of(contract.tokenisation(), tokenizerJson);
  }

  private static void requireHash(String what, String expected, String found) {
    if (!expected.equals(found)) {
      throw new InvalidInputException(
          "The %s is not that of the contract: its hash is %s, expected %s. Restore the file that was written with it."
              .formatted(what, found, expected));
    }
  }

  /** Ids of a text, at most {@link TextContract#maxTokens} of them; none for an empty text. */
  public int[] encode(String text) {
    List<String> tokens = tokeniser.tokens(text);
    int[] ids = new int[tokens.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = vocabulary.id(tokens.get(i));
    }
    return truncated(ids, contract);
  }

  /** All tokens of a text, in order, known ones and others. */
  public List<String> tokens(String text) {
    return tokeniser.tokens(text);
  }

  /** Tokens as people would write them: the other way round, but for what tokens do not keep. */
  public String text(List<String> tokens) {
    return tokeniser.text(tokens);
  }

  /** What is left of ids where there are more than {@link TextContract#maxTokens}. */
  public static int[] truncated(int[] ids, TextContract contract) {
    int most = contract.maxTokens();
    if (most == 0 || ids.length <= most) {
      return ids;
    }
    return switch (contract.truncate()) {
      case END -> Arrays.copyOf(ids, most);
      case START -> Arrays.copyOfRange(ids, ids.length - most, ids.length);
    };
  }

  /** Frees what native code holds. */
  @Override
  public void close() {
    tokeniser.close();
  }
}
