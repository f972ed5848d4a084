// SPDX-License-Identifier: Apache-2.0
// Inside the room: characters that names read differently from everyday text, and compound surnames.
//
// Readings follow 现代汉语词典 and agree with the names of living people as far as we could check (testdata/README.md).
#pragma once

#include <string_view>
#include <utility>

namespace xinglin::text {

using Reading = std::pair<std::string_view, std::string_view>;

/// Where ICU 72's everyday reading is rare or wrong.
constexpr Reading corrected_readings[] = {
    {"刀", "dāo"}, {"炔", "quē"}, {"帧", "zhēn"}, {"幀", "zhēn"}, {"芎", "xiōng"}, {"唛", "mài"},   {"嗲", "diǎ"},
    {"丬", "pán"}, {"嬷", "mó"},  {"珩", "héng"}, {"砉", "huā"},  {"碡", "zhóu"},  {"聒", "guō"},   {"蚵", "kē"},
    {"豉", "chǐ"}, {"蹒", "pán"}, {"艹", "cǎo"},  {"嗯", "ńg"},   {"〇", "líng"},  {"长", "cháng"}, {"長", "cháng"},
};

/// A character that opens a name as its surname.
constexpr Reading surname_readings[] = {
    {"单", "shàn"},  {"單", "shàn"},  {"曾", "zēng"},  {"仇", "qiú"},  {"解", "xiè"},  {"区", "ōu"},    {"區", "ōu"},
    {"查", "zhā"},   {"盖", "gě"},    {"蓋", "gě"},    {"朴", "piáo"}, {"任", "rén"},  {"华", "huà"},   {"華", "huà"},
    {"乐", "yuè"},   {"樂", "yuè"},   {"尉", "wèi"},   {"缪", "miào"}, {"繆", "miào"}, {"翟", "zhái"},  {"冼", "xiǎn"},
    {"洗", "xiǎn"},  {"秘", "bì"},    {"薄", "bó"},    {"折", "shé"},  {"召", "shào"}, {"燕", "yān"},   {"应", "yīng"},
    {"應", "yīng"},  {"哈", "hǎ"},    {"繁", "pó"},    {"员", "yùn"},  {"員", "yùn"},  {"种", "chóng"}, {"纪", "jǐ"},
    {"紀", "jǐ"},    {"葛", "gě"},    {"曲", "qū"},    {"隗", "wěi"},  {"车", "chē"},  {"車", "chē"},   {"卜", "bǔ"},
    {"覃", "qín"},   {"牟", "móu"},   {"能", "nài"},   {"那", "nā"},   {"柏", "bǎi"},  {"都", "dū"},    {"相", "xiàng"},
    {"过", "guō"},   {"過", "guō"},   {"谌", "chén"},  {"諶", "chén"}, {"句", "gōu"},  {"祭", "zhài"},  {"幺", "yāo"},
    {"阚", "kàn"},   {"闞", "kàn"},   {"佴", "nài"},   {"於", "yū"},   {"罗", "luó"},  {"羅", "luó"},   {"宁", "níng"},
    {"卓", "zhuó"},  {"莘", "shēn"},  {"乜", "niè"},   {"撒", "sǎ"},   {"肖", "xiāo"}, {"郗", "xī"},    {"石", "shí"},
    {"沈", "shěn"},  {"万", "wàn"},   {"萬", "wàn"},   {"褚", "chǔ"},  {"俞", "yú"},   {"谷", "gǔ"},    {"贾", "jiǎ"},
    {"賈", "jiǎ"},   {"叶", "yè"},    {"葉", "yè"},    {"费", "fèi"},  {"費", "fèi"},  {"臧", "zāng"},  {"贲", "bēn"},
    {"盛", "shèng"}, {"干", "gān"},   {"适", "kuò"},   {"令", "lìng"}, {"要", "yāo"},  {"尹", "yǐn"},   {"晟", "chéng"},
    {"夏", "xià"},   {"行", "xíng"},  {"重", "chóng"}, {"郇", "xún"},  {"逄", "páng"}, {"厘", "xī"},    {"藏", "zāng"},
    {"长", "cháng"}, {"長", "cháng"}, {"占", "zhān"},  {"朝", "cháo"},
};

/// Surnames of two characters.
constexpr Reading compound_surnames[] = {
    {"欧阳", "ōu yáng"},     {"太史", "tài shǐ"},   {"端木", "duān mù"},    {"上官", "shàng guān"}, {"司马", "sī mǎ"},
    {"东方", "dōng fāng"},   {"独孤", "dú gū"},     {"南宫", "nán gōng"},   {"万俟", "mò qí"},      {"闻人", "wén rén"},
    {"夏侯", "xià hóu"},     {"诸葛", "zhū gě"},    {"尉迟", "yù chí"},     {"公羊", "gōng yáng"},  {"赫连", "hè lián"},
    {"澹台", "tán tái"},     {"皇甫", "huáng fǔ"},  {"宗政", "zōng zhèng"}, {"濮阳", "pú yáng"},    {"公冶", "gōng yě"},
    {"太叔", "tài shū"},     {"申屠", "shēn tú"},   {"公孙", "gōng sūn"},   {"慕容", "mù róng"},    {"仲孙", "zhòng sūn"},
    {"钟离", "zhōng lí"},    {"长孙", "zhǎng sūn"}, {"宇文", "yǔ wén"},     {"司徒", "sī tú"},      {"鲜于", "xiān yú"},
    {"司空", "sī kōng"},     {"闾丘", "lǘ qiū"},    {"子车", "zǐ jū"},      {"亓官", "qí guān"},    {"司寇", "sī kòu"},
    {"巫马", "wū mǎ"},       {"公西", "gōng xī"},   {"颛孙", "zhuān sūn"},  {"壤驷", "rǎng sì"},    {"公良", "gōng liáng"},
    {"漆雕", "qī diāo"},     {"乐正", "yuè zhèng"}, {"宰父", "zǎi fǔ"},     {"谷梁", "gǔ liáng"},   {"拓跋", "tuò bá"},
    {"夹谷", "jiá gǔ"},      {"轩辕", "xuān yuán"}, {"令狐", "líng hú"},    {"段干", "duàn gān"},   {"百里", "bǎi lǐ"},
    {"呼延", "hū yán"},      {"东郭", "dōng guō"},  {"南门", "nán mén"},    {"羊舌", "yáng shé"},   {"微生", "wēi shēng"},
    {"公户", "gōng hù"},     {"公玉", "gōng yù"},   {"公仪", "gōng yí"},    {"梁丘", "liáng qiū"},  {"公仲", "gōng zhòng"},
    {"公上", "gōng shàng"},  {"公门", "gōng mén"},  {"公山", "gōng shān"},  {"公坚", "gōng jiān"},  {"左丘", "zuǒ qiū"},
    {"公伯", "gōng bó"},     {"西门", "xī mén"},    {"公祖", "gōng zǔ"},    {"第五", "dì wǔ"},      {"公乘", "gōng chéng"},
    {"贯丘", "guàn qiū"},    {"公皙", "gōng xī"},   {"南荣", "nán róng"},   {"东里", "dōng lǐ"},    {"东宫", "dōng gōng"},
    {"仲长", "zhòng cháng"}, {"子书", "zǐ shū"},    {"子桑", "zǐ sāng"},    {"即墨", "jí mò"},      {"达奚", "dá xī"},
    {"褚师", "chǔ shī"},     {"单于", "shàn yú"},   {"淳于", "chún yú"},    {"歐陽", "ōu yáng"},    {"司馬", "sī mǎ"},
    {"諸葛", "zhū gě"},      {"尉遲", "yù chí"},    {"東方", "dōng fāng"},  {"長孫", "zhǎng sūn"},  {"鮮于", "xiān yú"},
    {"聞人", "wén rén"},     {"獨孤", "dú gū"},     {"纳兰", "nà lán"},     {"耶律", "yē lǜ"},      {"完颜", "wán yán"},
    {"叱干", "chì gān"},     {"澹臺", "tán tái"},   {"鍾離", "zhōng lí"},   {"閭丘", "lǘ qiū"},     {"穀梁", "gǔ liáng"},
};

}  // namespace xinglin::text
