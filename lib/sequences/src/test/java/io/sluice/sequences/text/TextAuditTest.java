package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.LinkedHashMap;
import org.junit.jupiter.api.Test;

class TextAuditTest {

  /** One {@code <unk>} in a text is no reason to collect all that occurs once. */
  @Test
  void rareSpecialTokensDoNotLowerTheCountOfWords() {
    var counted = new LinkedHashMap<String, Long>();
    counted.put("<unk>", 1L);
    counted.put("<eos>", 2L);
    counted.put("the", 9L);
    counted.put("film", 4L);
    Vocabulary vocabulary =
        Vocabulary.of(new Vocabulary.Special("<pad>", "<unk>", "<eos>"), counted);

    assertThat(TextAudit.leastCount(vocabulary)).isEqualTo(4);
  }
}
