//! The words that the finders of personal data know, folded; one look-up a token tells all the lists that it is on.

use std::sync::LazyLock;

/// A list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Announces a number of a shop or an office.
    Order,
    /// Announces a number of a bank.
    Bank,
    /// Announces a number of a person.
    Identity,
    /// Announces a day of birth.
    Birth,
    /// Between an announcing word and its number; says that one follows.
    NumberWord,
    /// Other words between an announcing word and its number.
    BeforeNumber,
    /// Small words of names, never masked alone.
    Particle,
    Title,
    /// Ends a letter, before the name.
    Goodbye,
    /// Relatives, whose names stand behind these words.
    Kin,
    /// Before a relative.
    Possessive,
    /// Staff, whose names stand behind these words.
    Staff,
    /// Small words inside of names.
    NameJoint,
    /// Capitals that no name begins with where one could stand.
    NoName,
    /// Words before the name of a street (Spanish, Portuguese).
    StreetBefore,
    /// Words behind the name of a street (English); Danish ones that stand apart.
    StreetBehind,
    StreetBehindDanish,
    /// Words in front of a Danish street's name that are no abbreviations.
    BeforeStreetDanish,
    /// Buildings with a name instead of a number.
    Building,
    /// What names a part of a house or a quarter.
    HousePart,
    /// Shops and branches, whose addresses stay.
    Shop,
    /// Between a shop and its address.
    ToPlace,
    /// Small words inside of places' names.
    PlaceJoint,
    City,
    /// States of the United States, as they are abbreviated.
    State,
    /// First words of how people introduce themselves.
    Introduction,
    /// An at sign in words.
    At,
    /// Places where people have names, before which a name may stand without `@`.
    Network,
}

/// The lists that a word is on: one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lists(u32);

impl Lists {
    pub(super) const fn all(lists: &[List]) -> Self {
        let mut bits = 0;
        let mut n = 0;
        while n < lists.len() {
            bits |= lists[n].bit();
            n += 1;
        }
        Self(bits)
    }

    /// `word`: lower case, without accents.
    pub(super) fn of(word: &str) -> Self {
        static TABLE: LazyLock<Vec<Vec<(&str, Lists)>>> = LazyLock::new(|| {
            let mut table: Vec<Vec<(&str, Lists)>> = vec![Vec::new(); BUCKETS];
            for (list, words) in LISTS {
                for word in words.split_ascii_whitespace() {
                    let bucket = &mut table[bucket(word)];
                    match bucket.iter_mut().find(|(known, _)| *known == word) {
                        Some((_, lists)) => lists.0 |= list.bit(),
                        None => bucket.push((word, Lists(list.bit()))),
                    }
                }
            }
            table
        });
        let bucket = TABLE[bucket(word)].iter();
        bucket.filter(|(known, _)| *known == word).map(|(_, lists)| *lists).next().unwrap_or_default()
    }

    pub(super) fn has(self, list: List) -> bool {
        self.0 & list.bit() != 0
    }

    /// True if a list is among both.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The lists of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Buckets of the table of words, about two for a word.
const BUCKETS: usize = 1024;

/// Every word of every text is looked up, and most are on no list: three letters and the length tell that more cheaply
/// than a hash of the whole word.
fn bucket(word: &str) -> usize {
    let letters = word.as_bytes();
    let (Some(first), Some(middle), Some(last)) = (letters.first(), letters.get(letters.len() / 2), letters.last())
    else {
        return 0;
    };
    let mix = |n: usize, letter: &u8| n * 31 + usize::from(*letter);
    [first, middle, last].into_iter().fold(letters.len() % BUCKETS, mix) % BUCKETS
}

impl List {
    /// `word`: lower case, without accents.
    pub(super) fn has(self, word: &str) -> bool {
        Lists::of(word).has(self)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

const LISTS: [(List, &str); 28] = [
    (
        List::Order,
        "order orden bon voucher albaran remito pedido encomenda compra ordre bestilling kvittering ticket \
         case caso expediente processo sag invoice factura fatura faktura nota reference referencia ref \
         tracking seguimiento rastreio rastreamento customer cliente kunde policy poliza apolice police \
         reserva booking reservation localizador locator protocolo claim complaint siniestro sinistro skade \
         incidencia incident folio guia chamado reclamacao reclamacion boleta pakke pakken paquete envio \
         parcel sporing trace serial serie licencia contract contrato kontrakt aftale",
    ),
    (
        List::Bank,
        "account acct kto cuenta conta konto kontonr clabe cbu cvu nib iban agencia sort routing reg aba card \
         tarjeta cartao kort kortnr pix",
    ),
    (
        List::Identity,
        "dni nie nif rut run curp rfc cif cuit cuil cpf cnpj rg cnh cpr cvr nino nhs ssn pps ppsn passport \
         pasaporte passaporte pas contribuinte utente cidadao cc licence license korekort sygesikring cedula \
         security social ni ine id ruc niss",
    ),
    (
        List::Birth,
        "born dob birth naci nacido nacida nacimiento nasci nascido nascida nascimento fodt fodselsdag \
         fodselsdato",
    ),
    (List::NumberWord, "number num no nr nummer numero n id code codigo kode reference ref"),
    (
        List::BeforeNumber,
        "is was es e er fue el la o a en em den the my mi meu de da do del of on bancaria corrente bancario \
         conto cidadao seguridad rastreio and",
    ),
    (
        List::Particle,
        "the and los las del dos das von van der den det for por con com sra mrs miss user anonymous anonimo",
    ),
    (
        List::Title,
        "mr mrs ms miss mx dr dra prof sir madam sr sra srta senor senora senorita senhor senhora don dona \
         hr fru frk froken herr eng ing ingeniero ingeniera lic licenciado licenciada doctor doctora \
         doutor doutora d",
    ),
    (
        List::Goodbye,
        "regards sincerely yours wishes saludo saludos atentamente cordialmente atte abrazo cumprimentos \
         atenciosamente att abraco abracos hilsen hilsner mvh vh",
    ),
    (
        List::Kin,
        "mother mum mom dad father son daughter husband wife brother sister girlfriend boyfriend partner \
         neighbour neighbor madre padre hijo hija marido mujer esposa esposo hermano hermana novia novio \
         vecino vecina mae pai filho filha irmao irma namorado namorada vizinho vizinha datter mor far mand \
         kone bror soster kaereste nabo kollega colleague",
    ),
    (List::Possessive, "my our her his mi nuestra nuestro su tu minha meu nossa nosso min mit mine vores hans hendes"),
    (
        List::Staff,
        "agent agente advisor adviser asesor asesora atendente medarbejder medarbejderen cashier gerente \
         tecnico technician driver repartidor chauffor chaufforen teknikeren cajero cajera",
    ),
    (List::NameJoint, "de la del da do dos das van von der den e y af"),
    (
        List::NoName,
        "martens quijote casmurro pepper who cordiales cordiais amigos todos equipo team all everyone \
         customer cliente kunde service soporte support the a i sorry done not so just very gracias thanks \
         tak obrigado obrigada",
    ),
    (
        List::StreetBefore,
        "calle c cl cll cra carrera diagonal transversal avda avenida av paseo pza plaza plz carrer ronda \
         camino cno carretera ctra travesia glorieta jiron jr pasaje pje calzada blvd boulevard bulevar \
         urbanizacion urb rua r travessa largo praca praceta alameda estrada rodovia beco calcada quinta po",
    ),
    (
        List::StreetBehind,
        "street st road rd avenue ave lane ln drive dr close court ct crescent cres terrace place pl square \
         sq way boulevard blvd parkway pkwy circle cir gardens grove hill mews row quay highway hwy walk \
         green park view",
    ),
    (List::StreetBehindDanish, "vej gade alle plads boulevard stræde torv vænge"),
    (List::BeforeStreetDanish, "ostre vestre nordre sondre gammel gamle ny nye store lille sankt indre ydre"),
    (List::Building, "conjunto edificio condominio residencial residencia"),
    (
        List::HousePart,
        "piso depto dpto departamento apto ap apartamento puerta pta esc escalera bajo bj atico int interior \
         izq izda dcha dto dta esq esquerdo direito drt fte lote bloco bloque bl casa sala andar torre \
         oficina manzana mz lt tv th mf sal st kl stuen kld flat apt apartment unit suite ste floor fl col \
         colonia barrio bairro cp cep c p o a portal planta",
    ),
    (
        List::Shop,
        "tienda tiendas local loja lojas quiosque kiosko butik butikken butikker shop shops store stores \
         branch outlet sucursal filial filialen showroom restaurante restaurant afdeling afdelingen",
    ),
    (List::ToPlace, "de del la el en na no da do at on in i pa ved of the"),
    (List::PlaceJoint, "de la del los las da do dos das e y el of the san"),
    (
        List::City,
        "kobenhavn aarhus arhus odense aalborg alborg esbjerg randers kolding horsens vejle roskilde herning \
         frederiksberg hellerup koge silkeborg valby madrid barcelona valencia sevilla zaragoza malaga bilbao \
         lisboa porto braga coimbra",
    ),
    (
        List::State,
        "al ak az ar ca co ct de fl ga id il ia ks ky la md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh pa \
         ri sc sd tn tx ut vt va wa wv wi wy dc",
    ),
    (List::Introduction, "my name me mi meu chamo jeg mit atendeu called i this soy sou"),
    (List::At, "at arroba snabela snabel"),
    (
        List::Network,
        "insta instagram ig twitter tiktok telegram snapchat snap discord facebook fb bluesky mastodon username \
         usuario",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_on_its_list() {
        for (list, words) in LISTS {
            for word in words.split_ascii_whitespace() {
                assert!(list.has(word), "{word} of {list:?}");
                assert_eq!(word, super::super::text::fold(word), "{list:?} has a word that no text is folded to");
            }
        }
        assert!(!List::Title.has("calle") && !List::City.has(""));
    }
}
