package io.sluice.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class WordGapsTest {
  private static String text(String kind, String... tokens) {
    var gaps = new WordGaps(kind, List.of(tokens));
    var text = new StringBuilder(gaps.text(tokens[0]));
    for (int t = 1; t < tokens.length; t++) {
      text.append(gaps.isBetween(tokens[t - 1], tokens[t]) ? " " : "").append(gaps.text(tokens[t]));
    }
    return text.toString();
  }

  @Test
  void wordsClingToPunctuationAsTheyDoInPrint() {
    assertThat(
            text("word", "so", ",", "“", "no", "”", "(", "at", "$", "5", ")", "?", "¿", "qué", "?"))
        .isEqualTo("so, “no” (at $5)? ¿qué?");
  }

  @Test
  void scriptsWithoutBlanksHaveNone() {
    assertThat(text("word", "我", "用", "Linux", "系统", "，", "不", "用", "ウィンドウズ"))
        .isEqualTo("我用 Linux 系统，不用ウィンドウズ");
    assertThat(text("word", "ฉัน", "ไม่", "ชอบ")).isEqualTo("ฉันไม่ชอบ");
    assertThat(text("word", "한국어", "는", "lebt")).isEqualTo("한국어 는 lebt");
  }

  @Test
  void otherTokensAreJoinedAsTheyWereCut() {
    assertThat(text("whitespace", "so", ",", "no")).isEqualTo("so , no");
    assertThat(text("character", "n", "o", " ", "\n", "不")).isEqualTo("no \n不");
    assertThat(text("subword", "▁do", "n", "'", "t", "▁", "walk", "▁now"))
        .isEqualTo("don't walk now");
    assertThat(text("subword", "un", "##like", "##ly", "now")).isEqualTo("unlikely now");
  }
}
